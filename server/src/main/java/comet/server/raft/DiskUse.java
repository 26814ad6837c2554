package comet.server.raft;

/// How full a disk is, as its node last said with a heartbeat.
///
/// @param usedBytes space in use
/// @param capacityBytes space that may be used
/// @param path the disk's folder, on its node
public record DiskUse(int diskId, long usedBytes, long capacityBytes, String path) {}
