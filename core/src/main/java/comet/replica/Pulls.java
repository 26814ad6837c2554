package comet.replica;

import comet.base.Crc;
import comet.cluster.MemberState;
import comet.cluster.PgConfig;
import comet.port.Events.Level;
import comet.wire.BlockState;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Iterator;
import java.util.List;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// Chunks of one disk that are being made equal to another replica's, one at a time per chunk and a
/// few at a time in all; those that somebody waits for before those of recovery.
final class Pulls {
    private final DiskServer disk;
    private final PeerLinks links;
    private final Crc crc = new Crc();
    private final Throttle throttle;
    private final ArrayDeque<ChunkPull> urgent = new ArrayDeque<>();
    private final ArrayDeque<ChunkPull> background = new ArrayDeque<>();
    private final TreeMap<ChunkKey, ChunkPull> active = new TreeMap<>();

    /// Blocks that are bad here and wait for their repair.
    private final TreeMap<ChunkKey, BitSet> bad = new TreeMap<>();

    Pulls(DiskServer disk, PeerLinks links) {
        this.disk = disk;
        this.links = links;
        throttle = new Throttle(disk.parts().config().recoveryBytesPerSecond());
    }

    PeerLinks links() {
        return links;
    }

    Crc crc() {
        return crc;
    }

    /// How long recovery waits before it moves so many bytes, in ns.
    long throttle(long bytes) {
        return throttle.take(bytes, disk.loop().nowNs());
    }

    int activeCount() {
        return active.size();
    }

    int waitingCount() {
        return urgent.size() + background.size();
    }

    boolean urgentFull() {
        return urgent.size() >= Limits.PULLS_WAITING_MAX;
    }

    /// Starts the pull as soon as it is its turn, never inside this call.
    void submit(ChunkPull pull, boolean urgently) {
        (urgently ? urgent : background).add(pull);
        disk.loop().execute(this::startNext);
    }

    /// Calls off a pull that may have started or not.
    void cancel(ChunkPull pull) {
        urgent.remove(pull);
        background.remove(pull);
        pull.cancel();
    }

    void ended(ChunkPull pull) {
        if (active.get(pull.key()) == pull) {
            active.remove(pull.key());
            disk.loop().execute(this::startNext);
        }
    }

    void close() {
        List<ChunkPull> all = new ArrayList<>(active.values());
        all.addAll(urgent);
        all.addAll(background);
        urgent.clear();
        background.clear();
        all.forEach(ChunkPull::cancel);
        bad.clear();
    }

    private void startNext() {
        while (active.size() < Limits.PULLS_MAX) {
            ChunkPull next = next(urgent);
            if (next == null) {
                next = next(background);
            }
            if (next == null) {
                return;
            }
            active.put(next.key(), next);
            next.start();
        }
    }

    private @Nullable ChunkPull next(ArrayDeque<ChunkPull> queue) {
        Iterator<ChunkPull> each = queue.iterator();
        while (each.hasNext()) {
            ChunkPull pull = each.next();
            if (!active.containsKey(pull.key())) {
                each.remove();
                return pull;
            }
        }
        return null;
    }

    // Repair.

    /// A block could not be read here: it is copied from another IN_SYNC replica that has exactly
    /// this version of it.
    void repair(long volumeId, int chunkIndex, int pg, int block, int state) {
        ChunkKey key = new ChunkKey(volumeId, chunkIndex);
        BitSet blocks = bad.get(key);
        if (blocks == null) {
            if (bad.size() >= Limits.PULLS_WAITING_MAX) {
                return;
            }
            blocks = new BitSet();
            bad.put(key, blocks);
            disk.loop().execute(() -> repairFrom(key, pg, 0));
        }
        if (!blocks.get(block)) {
            blocks.set(block);
            disk.counters().blocksCorrupt++;
            String what = state == BlockState.LOST ? " state=lost" : " state=corrupt";
            disk.event(Level.WARN, "block-corrupt", text(key, block) + what);
        }
    }

    /// Tries the `n`-th of the other members that are IN_SYNC.
    private void repairFrom(ChunkKey key, int pg, int n) {
        BitSet blocks = bad.get(key);
        if (blocks == null) {
            return;
        }
        PgConfig config = disk.view().map().pg(pg);
        List<PgConfig.Member> others = new ArrayList<>(config.members());
        others.removeIf(
                m -> m.state() != MemberState.IN_SYNC || m.diskId() == disk.identity().diskId());
        if (blocks.isEmpty() || n >= others.size()) {
            // What is left is found again by the next read of it.
            bad.remove(key);
            return;
        }
        int source = others.get(n).diskId();
        ChunkPull.Purpose next = _ -> repairFrom(key, pg, n + 1);
        submit(new ChunkPull(disk, this, key, pg, source, blocks, next), true);
    }

    void repaired(ChunkKey key, int block, int sourceDiskId) {
        BitSet blocks = bad.get(key);
        if (blocks != null) {
            blocks.clear(block);
        }
        disk.counters().blocksRepaired++;
        disk.event(Level.INFO, "block-repaired", text(key, block) + " from=" + sourceDiskId);
    }

    /// Equal versions with unequal checksums: a bug of ours, never repaired by guess.
    void conflict(ChunkKey key, int block, long version, int sourceDiskId) {
        String with = " with=" + sourceDiskId;
        String which = " version=" + comet.base.Versions.text(version);
        disk.event(Level.ERROR, "checksum-conflict", text(key, block) + which + with);
    }

    static String text(ChunkKey key, int block) {
        return "volume=" + key.volumeId() + " chunk=" + key.chunkIndex() + " block=" + block;
    }
}
