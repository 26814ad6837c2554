package comet.replica;

import comet.base.Check;
import comet.wire.Frame;
import java.util.ArrayDeque;
import java.util.TreeMap;

/// Writes that wait for one chunk each: while the chunk is copied, or for the outcome of a
/// promotion. Per chunk they stay in the order of their arrival; all other chunks go on. Bounded by
/// the credit and the backlog of the connections that they came from.
final class Holds {
    /// Applies a write that waited, see [WriteVerb#apply].
    interface Apply {
        /// @return false where it must wait on, at the head
        boolean apply(WriteLane lane, Frame write);
    }

    private static final class Hold {
        private int pins;
        private boolean draining;
        private final ArrayDeque<Frame> writes = new ArrayDeque<>();
        private final ArrayDeque<WriteLane> lanes = new ArrayDeque<>();
    }

    private final TreeMap<ChunkKey, Hold> holds = new TreeMap<>();
    private final Apply apply;

    Holds(Apply apply) {
        this.apply = apply;
    }

    /// Whether a write of this chunk must wait.
    boolean held(long volumeId, int chunkIndex) {
        return !holds.isEmpty() && holds.containsKey(new ChunkKey(volumeId, chunkIndex));
    }

    /// Writes of the chunk wait from now on, until as many [#unpin].
    void pin(ChunkKey key) {
        holds.computeIfAbsent(key, _ -> new Hold()).pins++;
    }

    void add(ChunkKey key, WriteLane lane, Frame write) {
        Hold hold = holds.get(key);
        if (hold == null) {
            throw Check.failed("no such hold");
        }
        hold.writes.add(write);
        hold.lanes.add(lane);
        lane.held(write);
    }

    void unpin(ChunkKey key) {
        Hold hold = holds.get(key);
        if (hold == null) {
            throw Check.failed("no such hold");
        }
        Check.that(hold.pins > 0, "unpinned too often");
        hold.pins--;
        drain(key);
    }

    /// Goes on with a chunk whose first write had to wait for something else.
    void drain(ChunkKey key) {
        Hold hold = holds.get(key);
        if (hold == null || hold.draining) {
            return;
        }
        hold.draining = true;
        boolean goesOn = true;
        while (goesOn && hold.pins == 0 && !hold.writes.isEmpty()) {
            WriteLane lane = hold.lanes.element();
            Frame write = hold.writes.element();
            goesOn = lane.closed() || apply.apply(lane, write);
            if (goesOn) {
                hold.lanes.remove();
                hold.writes.remove();
                lane.letGo(write);
                write.release();
            }
        }
        hold.draining = false;
        if (hold.pins == 0 && hold.writes.isEmpty()) {
            holds.remove(key);
        }
    }

    /// Writes that wait, of all chunks.
    int writes() {
        int count = 0;
        for (Hold hold : holds.values()) {
            count += hold.writes.size();
        }
        return count;
    }
}
