package comet.volume;

import org.jspecify.annotations.Nullable;

/// Parts that wait for one thing, first come first served. Linked through the parts themselves: a
/// part waits in at most one queue.
final class PartQueue {
    private @Nullable ChunkPart head;
    private @Nullable ChunkPart tail;
    private int count;

    int count() {
        return count;
    }

    boolean isEmpty() {
        return head == null;
    }

    @Nullable ChunkPart peek() {
        return head;
    }

    void add(ChunkPart part) {
        comet.base.Check.that(!part.queued, "a part waits twice");
        part.queued = true;
        part.waitNext = null;
        if (tail == null) {
            head = part;
        } else {
            tail.waitNext = part;
        }
        tail = part;
        count++;
    }

    @Nullable ChunkPart poll() {
        ChunkPart part = head;
        if (part != null) {
            head = part.waitNext;
            if (head == null) {
                tail = null;
            }
            part.waitNext = null;
            part.queued = false;
            count--;
        }
        return part;
    }

    /// Lets all that wait now go on; some may come back at once.
    void resumeAll() {
        PartQueue now = new PartQueue();
        now.head = head;
        now.tail = tail;
        now.count = count;
        head = null;
        tail = null;
        count = 0;
        for (ChunkPart part = now.poll(); part != null; part = now.poll()) {
            part.resume();
        }
    }
}
