package comet.cluster;

import java.util.List;
import org.jspecify.annotations.Nullable;

/// What a disk's folder says by itself, while nobody serves it: for making a metadata group anew.
///
/// @param where the folder, for people
/// @param startCount starts so far
/// @param bootId the life that the group knew last, 0 before the first
/// @param clean the last stop was clean
/// @param damaged durable records of the journal are damaged: it may have forgotten anything
/// @param copy the newest whole copy of map and catalogue, as an update from revision 0; null where
///   there is none
/// @param parts configurations that the disk had a part in, each the newest that it has acted upon
/// @param fences the newest term seen of each volume
/// @param opened who opened which volume last
/// @param volumes those of which chunks lie here
/// @param looks above the incarnations of all groups that were made from what this disk had said
public record DiskFacts(
        String where,
        long clusterHigh,
        long clusterLow,
        int diskId,
        long uuidHigh,
        long uuidLow,
        int pgCount,
        long startCount,
        long bootId,
        boolean clean,
        boolean damaged,
        @Nullable MapUpdate copy,
        List<PgConfig> parts,
        List<Fence> fences,
        List<Opened> opened,
        List<Seen> volumes,
        long looks) {
    /// The newest term seen of a volume; of one that was purged the highest that there is.
    public record Fence(long volumeId, long term) {}

    /// @param gatewayId who opened it with that term
    /// @param name empty where the disk did not know it, like what is before it
    public record Opened(
            long volumeId,
            long term,
            long gatewayId,
            long sizeBytes,
            long createdAtMs,
            VolumeInfo.Durability durability,
            String name) {}

    /// @param lastChunk the highest index of a chunk that lies here
    public record Seen(long volumeId, int lastChunk) {}

    public DiskFacts {
        parts = List.copyOf(parts);
        fences = List.copyOf(fences);
        opened = List.copyOf(opened);
        volumes = List.copyOf(volumes);
    }
}
