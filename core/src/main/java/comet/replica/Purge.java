package comet.replica;

import comet.base.Versions;
import comet.cluster.Incarnation;
import comet.cluster.MapUpdate;
import comet.cluster.VolumeInfo;
import comet.port.Events.Level;
import comet.store.ChunkStore;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;

/// Drops, in the background, the chunks of volumes that no longer exist. Ids are never used twice,
/// so a volume that is gone stays gone.
final class Purge {
    private final DiskServer disk;
    private final TreeSet<Long> gone = new TreeSet<>();

    /// Of which nothing says that they were purged, and that the map does not have.
    private final TreeSet<Long> kept = new TreeSet<>();

    private final ArrayDeque<Long> queue = new ArrayDeque<>();
    private boolean running;

    Purge(DiskServer disk) {
        this.disk = disk;
    }

    /// Whether a volume is known to exist no more.
    boolean gone(long volumeId) {
        return disk.store().fence(volumeId) == Versions.TERM_MAX
                || !gone.isEmpty() && gone.contains(volumeId);
    }

    /// Looks for volumes that the disk has seen and the map does not have: they were purged while
    /// it was away. (Whoever wrote a volume here left a fence.) The map may be older than such a
    /// volume; so they count as gone only if a read of the map that begins now lacks them, too, and
    /// the group remembers their end or has a younger volume: a catalogue that has lost its tail
    /// must not cost any data. One that was made anew may lack any volume of before of which those
    /// disks knew nothing that were looked at: of these it remembers the end, or they stay.
    void unknownVolumes() {
        List<Long> unknown = new ArrayList<>();
        disk.store()
                .fences(
                        0,
                        (volumeId, _) -> {
                            if (disk.view().map().volume(volumeId) == null
                                    && !gone.contains(volumeId)) {
                                unknown.add(volumeId);
                            }
                            return true;
                        });
        if (unknown.isEmpty()) {
            return;
        }
        disk.view().refresh(() -> confirm(unknown));
    }

    private void confirm(List<Long> unknown) {
        TreeSet<Long> known = new TreeSet<>();
        for (VolumeInfo volume : disk.view().map().volumes()) {
            known.add(volume.volumeId());
        }
        long current = Incarnation.of(disk.view().map().revision());
        for (long volumeId : unknown) {
            Long younger = known.higher(volumeId);
            boolean ended =
                    younger != null
                                    && Incarnation.of(younger) == current
                                    && Incarnation.of(volumeId) == current
                            || disk.view().purged(volumeId);
            if (disk.view().map().volume(volumeId) != null) {
                continue;
            }
            if (ended) {
                add(volumeId);
            } else {
                keep(volumeId);
            }
        }
    }

    private void keep(long volumeId) {
        boolean[] some = new boolean[1];
        disk.store()
                .chunksOfVolume(
                        volumeId,
                        0,
                        (ChunkStore.Chunk chunk) -> {
                            some[0] = true;
                            return false;
                        });
        if (some[0] && kept.add(volumeId)) {
            disk.event(Level.WARN, "unknown-volume-kept", "volume=" + volumeId);
        }
    }

    /// Volumes that nobody else knows of, and of which the disk keeps what it has.
    int keptCount() {
        return kept.size();
    }

    void onMap(MapUpdate update) {
        update.purgedVolumes().forEach(this::add);
        if (update.after() == 0) {
            unknownVolumes();
        }
    }

    private void add(long volumeId) {
        if (gone.add(volumeId)) {
            kept.remove(volumeId);
            queue.add(volumeId);
            if (!running) {
                running = true;
                disk.loop().execute(this::step);
            }
        }
    }

    private void step() {
        Long volumeId = queue.peek();
        if (volumeId == null || !disk.serving()) {
            running = false;
            return;
        }
        if (!disk.store().hasRoom(0)) {
            disk.whenRoom(this::step);
            return;
        }
        // Whoever has not heard of it writes no more, in no later life of the disk either.
        disk.fences().raise(volumeId, Versions.TERM_MAX);
        List<Integer> chunks = new ArrayList<>();
        disk.store()
                .chunksOfVolume(
                        volumeId,
                        0,
                        (ChunkStore.Chunk chunk) -> {
                            chunks.add(chunk.chunkIndex());
                            return chunks.size() < Limits.PURGE_STEP;
                        });
        for (int chunk : chunks) {
            disk.store().dropChunk(volumeId, chunk);
            disk.counters().chunksDropped++;
        }
        if (chunks.isEmpty()) {
            VolumeNotes.purged(disk.store(), volumeId);
            queue.remove();
        }
        disk.loop().schedule(Limits.PURGE_STEP_NS, this::step);
    }
}
