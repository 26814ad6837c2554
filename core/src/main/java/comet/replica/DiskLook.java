package comet.replica;

import comet.base.Check;
import comet.cluster.DiskFacts;
import comet.cluster.MapUpdate;
import comet.store.ChunkStore;
import comet.store.Disk;
import comet.store.DiskIdentity;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;

/// Reads from an opened disk that nobody serves what counts for making a metadata group anew.
public final class DiskLook {
    private DiskLook() {}

    /// Counts the looks, so that two groups made from one disk never have the same incarnation. To
    /// be followed by closing the disk.
    public static DiskFacts of(Disk disk, String where) {
        DiskIdentity identity = disk.identity();
        MapUpdate copy = MapNotes.read(disk);
        List<DiskFacts.Fence> fences = new ArrayList<>();
        List<DiskFacts.Opened> opened = new ArrayList<>();
        disk.fences(
                0,
                (volumeId, term) -> {
                    fences.add(new DiskFacts.Fence(volumeId, term));
                    DiskFacts.Opened last = VolumeNotes.read(disk, volumeId);
                    if (last != null) {
                        opened.add(last);
                    }
                    return true;
                });
        return new DiskFacts(
                where,
                identity.clusterHigh(),
                identity.clusterLow(),
                identity.diskId(),
                identity.uuidHigh(),
                identity.uuidLow(),
                identity.pgCount(),
                disk.startCount(),
                disk.bootId(),
                disk.clean(),
                disk.damaged(),
                copy,
                PgBook.read(disk, identity.pgCount()),
                fences,
                opened,
                volumes(disk, identity.pgCount()),
                PgBook.look(disk));
    }

    private static List<DiskFacts.Seen> volumes(ChunkStore store, int pgCount) {
        TreeMap<Long, Integer> last = new TreeMap<>();
        for (int pg = 0; pg < pgCount; pg++) {
            store.chunksOfPg(
                    pg,
                    -1,
                    -1,
                    chunk -> {
                        Check.that(chunk.volumeId() > 0, "a chunk without a volume");
                        last.merge(chunk.volumeId(), chunk.chunkIndex(), Math::max);
                        return true;
                    });
        }
        List<DiskFacts.Seen> seen = new ArrayList<>();
        last.forEach((volumeId, chunk) -> seen.add(new DiskFacts.Seen(volumeId, chunk)));
        return seen;
    }
}
