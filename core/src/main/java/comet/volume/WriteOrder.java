package comet.volume;

import comet.base.Check;
import comet.base.LongObjectMap;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/// Overlapping parts of a chunk go one after the other. Rounded to whole blocks, a write waits for
/// all writes before it that it overlaps and counts as under way from then on, also while it reads
/// the rest of its blocks; a read waits for writes only. A read that comes back while a write of
/// its blocks is under way waits for that write once more before it is answered: what it saw may be
/// that write's, which until then could still be undone.
final class WriteOrder {
    private final LongObjectMap<ActiveChunk> chunks = new LongObjectMap<>();
    private final ArrayDeque<ActiveChunk> pool = new ArrayDeque<>();
    private final PartQueue ready = new PartQueue();
    private boolean draining;

    @Nullable ActiveChunk chunk(int chunkIndex) {
        return chunks.get(chunkIndex);
    }

    /// Takes a part into its chunk's order.
    ///
    /// @return true where nothing is in its way; else its `resume` is called when that has gone
    boolean enter(ChunkPart part) {
        ActiveChunk chunk = chunks.get(part.chunkIndex);
        if (chunk == null) {
            if (!part.isWrite()) {
                return true;
            }
            chunk = take(part.chunkIndex);
        }
        int blockers = 0;
        for (ChunkPart other = chunk.head; other != null; other = other.orderNext) {
            if (other.isWrite() && other.overlaps(part)) {
                blockers++;
            }
        }
        if (blockers == 0 && !part.isWrite()) {
            return true;
        }
        append(chunk, part);
        part.blockers = blockers;
        return blockers == 0;
    }

    /// Takes a part out, and lets those go on that waited for it alone.
    void leave(ChunkPart part) {
        ActiveChunk chunk = part.active;
        if (chunk == null) {
            return;
        }
        if (part.isWrite()) {
            for (ChunkPart later = part.orderNext; later != null; later = later.orderNext) {
                if (later.overlaps(part) && --later.blockers == 0) {
                    ready.add(later);
                }
            }
        }
        unlink(chunk, part);
        drain();
    }

    private void drain() {
        if (draining) {
            return;
        }
        draining = true;
        for (ChunkPart part = ready.poll(); part != null; part = ready.poll()) {
            part.resume();
        }
        draining = false;
    }

    private void append(ActiveChunk chunk, ChunkPart part) {
        Check.that(part.active == null, "a part is ordered twice");
        part.active = chunk;
        part.orderNext = null;
        part.orderPrevious = chunk.tail;
        if (chunk.tail == null) {
            chunk.head = part;
        } else {
            chunk.tail.orderNext = part;
        }
        chunk.tail = part;
    }

    private void unlink(ActiveChunk chunk, ChunkPart part) {
        if (part.orderPrevious == null) {
            chunk.head = part.orderNext;
        } else {
            part.orderPrevious.orderNext = part.orderNext;
        }
        if (part.orderNext == null) {
            chunk.tail = part.orderPrevious;
        } else {
            part.orderNext.orderPrevious = part.orderPrevious;
        }
        part.orderNext = null;
        part.orderPrevious = null;
        part.active = null;
        if (chunk.head == null) {
            Check.that(chunk.sent == 0, "chunk at rest with writes sent", chunk.sent, 0);
            chunks.remove(chunk.chunkIndex);
            chunk.clear();
            pool.addLast(chunk);
        }
    }

    private ActiveChunk take(int chunkIndex) {
        ActiveChunk chunk = pool.pollLast();
        if (chunk == null) {
            chunk = new ActiveChunk();
        }
        chunk.chunkIndex = chunkIndex;
        chunks.put(chunkIndex, chunk);
        return chunk;
    }
}
