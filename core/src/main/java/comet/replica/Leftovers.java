package comet.replica;

import comet.cluster.PgConfig;
import comet.port.Events.Level;
import comet.store.ChunkStore;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;

/// Drops, in the background, the chunks of placement groups that were moved away: this disk is no
/// member, and not remembered as one that holds an old copy either. The group has decided so only
/// after the new member was in sync.
///
/// Where the metadata group was made anew since the disk was a member, nobody may know what it
/// holds: it may have taken over from those that were looked at, and it is the one that has all.
/// Where a placement group was begun anew, empty, by force, it may have the last copy there is. So
/// it keeps such a copy, and says so, until the group makes it a member again.
///
/// A drop needs nothing to be remembered: who starts, and finds chunks of a group that is not its
/// own, begins again. What is known here may be old, but never wrong in a way that counts: a disk
/// that is made a member again recovers, and copies what it lacks.
final class Leftovers {
    private final DiskServer disk;

    /// With chunks that are to be dropped.
    private final TreeSet<Integer> pgs = new TreeSet<>();

    /// With chunks that are kept.
    private final TreeSet<Integer> kept = new TreeSet<>();

    private boolean toTell;
    private boolean running;
    private int droppedPgs;
    private long droppedChunks;

    Leftovers(DiskServer disk) {
        this.disk = disk;
    }

    /// A placement group has a new configuration.
    void onEpoch(PgConfig config) {
        boolean foreign =
                config.member(disk.identity().diskId()) == null && !config.members().isEmpty();
        if (!foreign) {
            pgs.remove(config.pg());
            if (kept.remove(config.pg())) {
                disk.event(Level.WARN, "old-copy-given-up", "pg=" + config.pg());
            }
        } else if (disk.keeps(config)) {
            keep(config.pg());
        } else if (hasChunks(config.pg())) {
            pgs.add(config.pg());
            start();
        }
    }

    private void keep(int pg) {
        if (hasChunks(pg) && kept.add(pg) && !toTell) {
            toTell = true;
            disk.loop().schedule(Limits.LEFTOVER_PAUSE_NS, this::tell);
        }
    }

    private void tell() {
        toTell = false;
        if (disk.serving() && !kept.isEmpty()) {
            String what = "pgs=" + kept.size() + " first=" + kept.first();
            disk.event(Level.WARN, "old-copies-kept", what);
        }
    }

    /// Placement groups of which the disk holds a copy that nobody knows of.
    int keptCount() {
        return kept.size();
    }

    boolean isKept(int pg) {
        return kept.contains(pg);
    }

    private boolean hasChunks(int pg) {
        return !chunks(pg, 1).isEmpty();
    }

    private List<ChunkKey> chunks(int pg, int most) {
        List<ChunkKey> keys = new ArrayList<>();
        disk.store()
                .chunksOfPg(
                        pg,
                        -1,
                        -1,
                        (ChunkStore.Chunk chunk) -> {
                            keys.add(new ChunkKey(chunk.volumeId(), chunk.chunkIndex()));
                            return keys.size() < most;
                        });
        return keys;
    }

    /// Later, and once it is known what the group has decided until now, and written down: that the
    /// others have everything must not be forgotten once it is gone from here.
    private void start() {
        if (!running) {
            running = true;
            disk.loop().schedule(Limits.LEFTOVER_PAUSE_NS, () -> disk.refresh(this::step));
        }
    }

    private void step() {
        if (!disk.serving()) {
            running = false;
            return;
        }
        if (!disk.store().hasRoom(0)) {
            disk.whenRoom(this::step);
            return;
        }
        int left = Limits.LEFTOVER_STEP;
        while (left > 0 && !pgs.isEmpty()) {
            int pg = pgs.first();
            List<ChunkKey> keys = chunks(pg, left);
            for (ChunkKey key : keys) {
                disk.store().dropChunk(key.volumeId(), key.chunkIndex());
                disk.counters().chunksDropped++;
                droppedChunks++;
            }
            if (keys.size() < left) {
                pgs.remove(pg);
                droppedPgs++;
            }
            left -= Math.max(1, keys.size());
        }
        if (!pgs.isEmpty()) {
            disk.loop().schedule(Limits.LEFTOVER_STEP_NS, this::step);
            return;
        }
        running = false;
        String what = "pgs=" + droppedPgs + " chunks=" + droppedChunks;
        disk.event(Level.INFO, "moved-away-dropped", what);
        droppedPgs = 0;
        droppedChunks = 0;
    }
}
