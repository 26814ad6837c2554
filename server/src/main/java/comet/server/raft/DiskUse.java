package comet.server.raft;

import org.jspecify.annotations.Nullable;

/// How full a disk is, as its node last said with a heartbeat.
///
/// @param usedBytes space in use
/// @param capacityBytes space that may be used
/// @param path the disk's folder, on its node
/// @param fileSystem equal for disks that share one, and so what is free in it; empty where that is
///   not known, and missing from older nodes
public record DiskUse(
        int diskId, long usedBytes, long capacityBytes, String path, String fileSystem) {
    public DiskUse {
        fileSystem = absent(fileSystem) ? "" : fileSystem;
    }

    public DiskUse(int diskId, long usedBytes, long capacityBytes, String path) {
        this(diskId, usedBytes, capacityBytes, path, "");
    }

    private static boolean absent(@Nullable Object field) {
        return field == null;
    }
}
