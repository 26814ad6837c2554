package comet.cluster;

import org.jspecify.annotations.Nullable;

/// A volume as the catalogue has it.
///
/// @param volumeId 1 and up, never used twice
/// @param sizeBytes a multiple of 4 KiB, at most 64 TiB
/// @param snapshotSequence the sequence S that new writes are tagged with; 1 at creation
/// @param lastTerm the newest attachment's term, 0 before the first
/// @param attachment who may write, or null
/// @param cleanlyDetached whether the last attachment ended with all replicas levelled and synced
/// @param deletedAtMs wall-clock time of the deletion (for people and the grace period only), 0
///   while the volume lives
/// @param limits what its clients may ask for in a second
public record VolumeInfo(
        long volumeId,
        String name,
        long sizeBytes,
        Durability durability,
        int snapshotSequence,
        long lastTerm,
        @Nullable Attachment attachment,
        boolean cleanlyDetached,
        long createdAtMs,
        long deletedAtMs,
        VolumeLimits limits) {

    /// When a write is answered: FLUSH once every replica has it in memory (a flush makes it
    /// durable), WRITE once it is durable on every replica.
    public enum Durability {
        FLUSH,
        WRITE
    }

    /// The right of one gateway to write a volume.
    ///
    /// @param term the fencing token, 1 to 2^24 - 2
    /// @param migrateTo the gateway that may take over with its first write, or 0
    public record Attachment(long gatewayId, long term, long migrateTo) {}

    public VolumeInfo {
        limits = absent(limits) ? VolumeLimits.NONE : limits;
    }

    /// Of what was written before there were limits.
    private static boolean absent(@Nullable Object field) {
        return field == null;
    }

    /// One without limits.
    public VolumeInfo(
            long volumeId,
            String name,
            long sizeBytes,
            Durability durability,
            int snapshotSequence,
            long lastTerm,
            @Nullable Attachment attachment,
            boolean cleanlyDetached,
            long createdAtMs,
            long deletedAtMs) {
        this(
                volumeId,
                name,
                sizeBytes,
                durability,
                snapshotSequence,
                lastTerm,
                attachment,
                cleanlyDetached,
                createdAtMs,
                deletedAtMs,
                VolumeLimits.NONE);
    }

    public VolumeInfo withLimits(VolumeLimits newLimits) {
        return new VolumeInfo(
                volumeId,
                name,
                sizeBytes,
                durability,
                snapshotSequence,
                lastTerm,
                attachment,
                cleanlyDetached,
                createdAtMs,
                deletedAtMs,
                newLimits);
    }

    public boolean deleted() {
        return deletedAtMs != 0;
    }
}
