package comet.replica;

import comet.base.Crc;
import comet.port.Events.Level;
import java.util.ArrayDeque;
import java.util.ArrayList;
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
    private final FairShare share;
    private final ArrayDeque<ChunkPull> urgent = new ArrayDeque<>();
    private final ArrayDeque<ChunkPull> background = new ArrayDeque<>();
    private final TreeMap<ChunkKey, ChunkPull> active = new TreeMap<>();

    Pulls(DiskServer disk, PeerLinks links) {
        this.disk = disk;
        this.links = links;
        share = disk.share();
    }

    PeerLinks links() {
        return links;
    }

    Crc crc() {
        return crc;
    }

    FairShare share() {
        return share;
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
    }

    private void startNext() {
        while (active.size() < Limits.PULLS_MAX) {
            ChunkPull next = next(urgent);
            // Beside guests few at a time: what is soon done meets few new writes.
            if (next == null
                    && (share.guestsIdle() || active.size() < Limits.PULLS_BESIDE_GUESTS)) {
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
