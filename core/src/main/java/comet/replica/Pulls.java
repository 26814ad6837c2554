package comet.replica;

/// Chunks that are being copied from other replicas.
final class Pulls {
    private final DiskServer disk;

    Pulls(DiskServer disk, PeerLinks links) {
        this.disk = disk;
    }

    void repair(long volumeId, int chunkIndex, int pg, int block, int state) {
        disk.counters().blocksCorrupt++;
    }

    void close() {}
}
