package comet.cluster;

/// One life of a disk.
///
/// @param bootId names it, see [DiskInfo#bootId]
public record DiskLife(int diskId, long bootId) {}
