package comet.replica;

import comet.base.Sizes;
import comet.cluster.PgHash;
import comet.replica.ApplyRules.Role;
import comet.store.ChunkStore;
import comet.wire.ChunkList;
import comet.wire.Frame;
import comet.wire.Status;
import java.util.ArrayDeque;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/// Scrubs one placement group in which this disk is IN_SYNC: every chunk that is here, in order,
/// then those that another member lists and that are missing here.
final class ScrubPg {
    interface Ended {
        /// @param whole false where it was cut off: this disk is not IN_SYNC there any more
        void ended(boolean whole);
    }

    private final DiskServer disk;
    private final int pg;
    private final ScrubTally tally;
    private final ScrubPace pace;
    private final Ended ended;
    private final BlockTables ours = new BlockTables();
    private final BlockTables theirs = new BlockTables();
    private final ArrayDeque<ChunkKey> page = new ArrayDeque<>();
    private final TreeSet<ChunkKey> missing = new TreeSet<>();
    private final ArrayDeque<Integer> lists = new ArrayDeque<>();
    private @Nullable ChunkKey cursor;
    private boolean listed;
    private boolean cancelled;
    private boolean over;

    ScrubPg(DiskServer disk, int pg, ScrubTally tally, ScrubPace pace, Ended ended) {
        this.disk = disk;
        this.pg = pg;
        this.tally = tally;
        this.pace = pace;
        this.ended = ended;
    }

    DiskServer disk() {
        return disk;
    }

    int pg() {
        return pg;
    }

    ScrubTally tally() {
        return tally;
    }

    ScrubPace pace() {
        return pace;
    }

    BlockTables ours() {
        return ours;
    }

    BlockTables theirs() {
        return theirs;
    }

    ArrayDeque<Integer> peers() {
        return ScrubChunk.peers(disk, pg);
    }

    /// Whether nothing more is to be done for it.
    boolean stopped() {
        return cancelled || !disk.serving() || disk.role(pg) != Role.IN_SYNC;
    }

    void start() {
        next();
    }

    /// Nobody waits for its end any more.
    void cancel() {
        cancelled = true;
    }

    private void next() {
        if (over) {
            return;
        }
        if (stopped()) {
            end(false);
            return;
        }
        ChunkKey key = page.isEmpty() ? nextPage() : page.poll();
        if (key != null) {
            new ScrubChunk(this, key, this::next).start();
        } else if (!listed) {
            listed = true;
            lists.addAll(peers());
            nextList();
        } else if (missing.isEmpty()) {
            end(true);
        } else {
            new ScrubChunk(this, missing.removeFirst(), this::next).start();
        }
    }

    private void end(boolean whole) {
        over = true;
        if (!cancelled) {
            ended.ended(whole);
        }
    }

    private @Nullable ChunkKey nextPage() {
        if (listed) {
            return null;
        }
        long afterVolume = cursor == null ? -1 : cursor.volumeId();
        long afterChunk = cursor == null ? -1 : cursor.chunkIndex();
        disk.store()
                .chunksOfPg(
                        pg,
                        afterVolume,
                        afterChunk,
                        (ChunkStore.Chunk chunk) -> {
                            page.add(new ChunkKey(chunk.volumeId(), chunk.chunkIndex()));
                            return page.size() < Limits.SCRUB_PAGE;
                        });
        cursor = page.isEmpty() ? cursor : page.getLast();
        return page.poll();
    }

    // What is missing here.

    private void nextList() {
        Integer peer = lists.poll();
        if (peer == null || stopped()) {
            pace.after(0, this::next);
        } else {
            askList(peer, null);
        }
    }

    private void askList(int peer, @Nullable ChunkKey after) {
        Frame f = disk.frames().take();
        long afterVolume = after == null ? -1 : after.volumeId();
        long afterChunk = after == null ? -1 : after.chunkIndex();
        ChunkList.listPg(f, 0, pg, disk.epoch(pg), afterVolume, afterChunk);
        disk.pulls().links().ask(peer, f, reply -> onList(peer, after, reply));
    }

    private void onList(int peer, @Nullable ChunkKey after, @Nullable Frame reply) {
        if (reply == null || reply.status() != Status.OK || !ChunkList.validReply(reply)) {
            tally.uncompared();
            nextList();
            return;
        }
        ChunkKey last = after;
        for (int n = 0; n < ChunkList.count(reply); n++) {
            long volumeId = ChunkList.volumeId(reply, n);
            int chunk = ChunkList.chunkIndex(reply, n);
            boolean valid =
                    volumeId > 0
                            && chunk >= 0
                            && chunk < Sizes.VOLUME_CHUNKS_MAX
                            && PgHash.of(volumeId, chunk, disk.pgCount()) == pg;
            ChunkKey key = new ChunkKey(volumeId, chunk);
            if (!valid || last != null && key.compareTo(last) <= 0) {
                tally.uncompared();
                nextList();
                return;
            }
            last = key;
            boolean lacks = disk.store().chunk(volumeId, chunk) == null;
            if (lacks && missing.size() < Limits.SCRUB_MISSING_MAX) {
                missing.add(key);
            }
        }
        if (ChunkList.more(reply) && last != null && !last.equals(after)) {
            askList(peer, last);
        } else {
            nextList();
        }
    }
}
