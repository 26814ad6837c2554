package comet.store;

import comet.base.Buf;
import comet.base.Crc;
import comet.base.Sizes;
import comet.port.Loop;
import comet.port.MediaFile;
import java.nio.ByteBuffer;

/// Reads the ring at start: from the tail on, batch by batch, as long as each is whole and follows
/// the one before (sequence, start, lap and the checksum of its predecessor); then looks at all of
/// the ring for what else is there.
///
/// What follows the end is the torn tail of a crash, unless some whole batch anywhere says that
/// more than was read had been durable: then durable records are damaged. A torn tail may contain
/// whole batches; they are not read again later, because new batches have another checksum to
/// follow and a higher start, and number on above everything found.
final class JournalReplay {
    /// Told each batch in order, then the end, or why the ring cannot be read.
    interface Listener {
        /// @param data holds the batch's data from `dataOffset` on, during the call
        /// @return false where a record is of an unknown kind
        boolean batch(Batch batch, byte[] head, int headBytes, Buf data, int dataOffset);

        void ended(Result result);

        void failed(String error);
    }

    /// @param end of the log
    /// @param sequenceMax highest sequence found anywhere in the ring
    /// @param durableMax highest that any batch says was durable
    /// @param startMax highest number of a start found
    record Result(RingPlace end, long sequenceMax, long durableMax, int startMax) {}

    private static final int WINDOW_BYTES = 8 << 20;

    private final MediaFile file;
    private final Loop loop;
    private final DiskIdentity disk;
    private final boolean scanAll;
    private final Listener listener;
    private final Crc crc = new Crc();
    private final Buf window;
    private final long ringEnd;
    private long windowStart;
    private int windowBytes;

    // The place that is looked at next, and what the last batch was.
    private long position;
    private long lap;
    private int checksum;
    private long lastSequence;
    private int lastStart;
    private boolean wrapping;

    private long scanAt;
    private long sequenceMax;
    private long durableMax;
    private int startMax;

    /// @param scanAll whether to look at all of the ring; not needed after a clean stop
    JournalReplay(
            MediaFile file,
            comet.base.BufPool pool,
            Loop loop,
            DiskIdentity disk,
            RingPlace tail,
            boolean scanAll,
            Listener listener) {
        this.file = file;
        this.loop = loop;
        this.disk = disk;
        this.scanAll = scanAll;
        this.listener = listener;
        ringEnd = file.sizeBytes();
        window = pool.take((int) Math.min(WINDOW_BYTES, ringEnd));
        position = tail.position();
        lap = tail.lap();
        checksum = tail.checksum();
        lastSequence = tail.lastSequence();
        sequenceMax = lastSequence;
    }

    void start() {
        loop.execute(this::step);
    }

    // Following the chain.

    /// Takes batches as long as the window holds them.
    private void step() {
        while (true) {
            long at = wrapping ? JournalBatch.RING_PAGE_BYTES : position;
            if (at + JournalBatch.HEADER_BYTES > ringEnd) {
                if (!wrapOrEnd()) {
                    return;
                }
                continue;
            }
            if (!has(at, Sizes.BLOCK_BYTES)) {
                load(at, this::step);
                return;
            }
            int offset = (int) (at - windowStart);
            if (!follows(offset, at)) {
                if (!wrapOrEnd()) {
                    return;
                }
                continue;
            }
            int bytes = JournalBatch.batchBytes(window.bytes(), offset);
            if (!has(at, bytes)) {
                load(at, this::step);
                return;
            }
            if (!JournalBatch.intact(window, offset, crc)) {
                if (!wrapOrEnd()) {
                    return;
                }
                continue;
            }
            if (!take(offset, at)) {
                return;
            }
        }
    }

    /// A batch that found no room at the ring's end lies at its start.
    ///
    /// @return false where the log has ended
    private boolean wrapOrEnd() {
        if (!wrapping && position != JournalBatch.RING_PAGE_BYTES) {
            wrapping = true;
            return true;
        }
        scanAt = scanAll ? JournalBatch.RING_PAGE_BYTES : ringEnd;
        scan();
        return false;
    }

    /// Whether the header at `offset` of the window is that of the next batch.
    private boolean follows(int offset, long at) {
        ByteBuffer b = window.bytes();
        return fits(offset, at)
                && JournalBatch.lap(b, offset) == lap + (wrapping ? 1 : 0)
                && JournalBatch.previousChecksum(b, offset) == checksum
                && JournalBatch.firstSequence(b, offset) > lastSequence
                && JournalBatch.start(b, offset) >= lastStart;
    }

    private boolean fits(int offset, long at) {
        ByteBuffer b = window.bytes();
        return JournalBatch.isHeader(b, offset, disk)
                && JournalBatch.batchBytes(b, offset) <= window.capacity()
                && at + JournalBatch.batchBytes(b, offset) <= ringEnd;
    }

    private boolean take(int offset, long at) {
        ByteBuffer b = window.bytes();
        Batch batch = new Batch(JournalBatch.firstSequence(b, offset));
        batch.recordCount = JournalBatch.recordCount(b, offset);
        batch.position = at;
        batch.bytes = JournalBatch.batchBytes(b, offset);
        batch.wastedBytes = wrapping ? ringEnd - position : 0;
        batch.lap = JournalBatch.lap(b, offset);
        batch.checksum = JournalBatch.checksum(b, offset);
        int headBytes = JournalBatch.headBytes(b, offset);
        batch.dataStart = JournalBatch.align4K(headBytes);
        batch.dataBlocks = batch.bytes - batch.dataStart >>> Sizes.BLOCK_SHIFT;
        byte[] head = new byte[headBytes];
        b.get(offset, head);
        if (!listener.batch(batch, head, headBytes, window, offset + batch.dataStart)) {
            window.release();
            listener.failed(
                    "the journal holds a record of a kind that this program does not know:"
                            + " use the program that wrote it");
            return false;
        }
        lastStart = JournalBatch.start(b, offset);
        position = batch.end();
        lap = batch.lap;
        checksum = batch.checksum;
        lastSequence = batch.lastSequence();
        wrapping = false;
        return true;
    }

    // Looking at everything.

    /// Looks for whole batches anywhere: new ones, of the torn tail, of laps long gone.
    private void scan() {
        while (scanAt < ringEnd) {
            if (!has(scanAt, Sizes.BLOCK_BYTES)) {
                load(scanAt, this::scan);
                return;
            }
            int offset = (int) (scanAt - windowStart);
            if (!fits(offset, scanAt)) {
                scanAt += Sizes.BLOCK_BYTES;
                continue;
            }
            ByteBuffer b = window.bytes();
            int bytes = JournalBatch.batchBytes(b, offset);
            if (!has(scanAt, bytes)) {
                load(scanAt, this::scan);
                return;
            }
            if (JournalBatch.intact(window, offset, crc)) {
                sequenceMax = Math.max(sequenceMax, JournalBatch.lastSequence(b, offset));
                durableMax = Math.max(durableMax, JournalBatch.durableThrough(b, offset));
                startMax = Math.max(startMax, JournalBatch.start(b, offset));
                scanAt += bytes;
            } else {
                scanAt += Sizes.BLOCK_BYTES;
            }
        }
        window.release();
        listener.ended(
                new Result(
                        new RingPlace(position, lap, checksum, lastSequence),
                        Math.max(sequenceMax, lastSequence),
                        durableMax,
                        Math.max(startMax, lastStart)));
    }

    // The window.

    private boolean has(long at, int bytes) {
        return at >= windowStart && at + bytes <= windowStart + windowBytes;
    }

    private void load(long at, Runnable then) {
        int bytes = (int) Math.min(window.capacity(), ringEnd - at);
        windowBytes = 0;
        file.read(
                at,
                window,
                0,
                bytes,
                (token, result) -> {
                    if (result < 0) {
                        window.release();
                        listener.failed("cannot read the journal: errno " + -result);
                        return;
                    }
                    windowStart = at;
                    windowBytes = result & -Sizes.BLOCK_BYTES;
                    if (!has(at, Sizes.BLOCK_BYTES)) {
                        window.release();
                        listener.failed("the journal is shorter than it was");
                        return;
                    }
                    then.run();
                },
                0);
    }
}
