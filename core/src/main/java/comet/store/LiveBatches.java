package comet.store;

import comet.base.Buf;
import comet.base.Check;
import java.util.ArrayDeque;

/// The sealed batches between the ring's tail and its head, oldest first: what they take of the
/// ring, and which of them have their data in memory, too.
final class LiveBatches {
    private final ArrayDeque<Batch> live = new ArrayDeque<>();

    /// Those whose data is in memory.
    private final ArrayDeque<Batch> resident = new ArrayDeque<>();

    private long usedBytes;
    private long residentBytes;

    /// Takes the next one, just sealed or found by replay.
    void add(Batch batch) {
        live.add(batch);
        usedBytes += batch.bytes + batch.wastedBytes;
        if (batch.buf != null) {
            resident.add(batch);
            residentBytes += batch.buf.capacity();
        }
    }

    boolean isEmpty() {
        return live.isEmpty();
    }

    /// Bytes of the ring, with those left unused at its end.
    long usedBytes() {
        return usedBytes;
    }

    /// Bytes of memory.
    long residentBytes() {
        return residentBytes;
    }

    /// Bytes of batches that hold records above `sequence`.
    long bytesAbove(long sequence) {
        long bytes = 0;
        for (var it = live.descendingIterator(); it.hasNext(); ) {
            Batch batch = it.next();
            if (batch.lastSequence() <= sequence) {
                break;
            }
            bytes += batch.bytes;
        }
        return bytes;
    }

    /// Lets the data of the oldest ones go from memory, down to `bytesMax`. None may be under way.
    void evict(long bytesMax) {
        while (residentBytes > bytesMax && !resident.isEmpty()) {
            release(resident.removeFirst());
        }
    }

    private void release(Batch batch) {
        Buf buf = batch.buf;
        if (buf != null) {
            residentBytes -= buf.capacity();
            batch.buf = null;
            buf.release();
        }
    }

    /// Where the log begins without those up to `sequence`.
    RingPlace placeAfter(long sequence) {
        Batch last = null;
        for (Batch batch : live) {
            if (batch.lastSequence() > sequence) {
                break;
            }
            last = batch;
        }
        if (last == null) {
            throw Check.failed("nothing to drop");
        }
        return new RingPlace(last.end(), last.lap, last.checksum, last.lastSequence());
    }

    /// Forgets those up to `sequence`.
    void dropThrough(long sequence) {
        while (true) {
            Batch oldest = live.peekFirst();
            if (oldest == null || oldest.lastSequence() > sequence) {
                return;
            }
            live.removeFirst();
            usedBytes -= oldest.bytes + oldest.wastedBytes;
            if (oldest.buf != null) {
                Check.that(resident.removeFirst() == oldest, "order of resident batches");
                release(oldest);
            }
        }
    }

    /// Gives back all memory.
    void close() {
        for (Batch batch = resident.pollFirst(); batch != null; batch = resident.pollFirst()) {
            release(batch);
        }
    }
}
