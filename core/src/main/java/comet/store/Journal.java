package comet.store;

import comet.base.Buf;
import comet.base.BufPool;
import comet.base.Check;
import comet.base.Crc;
import comet.base.Sizes;
import comet.port.Errno;
import comet.port.IoDone;
import comet.port.Loop;
import comet.port.MediaFile;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/// The ring through which all changes of a disk go: takes records, groups them into batches, writes
/// one batch at a time, syncs when somebody waits or after a while, and keeps what the checkpoint
/// has not yet put in its place.
///
/// While one batch is being written the next one fills, so batches grow with the load. A batch is
/// written when somebody waits for one of its records, when it has grown to about [#BATCH_BYTES],
/// or when its oldest record has waited for `syncAfterNs`. A failed write or sync fails the disk.
///
/// The ring never overwrites its tail: a batch that finds no room waits until [#dropThrough] has
/// made some. Who adds records asks [#room] first, so that this is rare and short.
final class Journal {
    /// Told what the owner has to act on.
    interface Owner {
        /// Something was written or became durable, or room appeared.
        void journalMoved();

        /// A batch waits for room in the ring.
        void journalFull();

        /// Whether the data that the batch's records name in segments is durable: only then may the
        /// batch be written. Where it is not, the owner makes it so and calls [#dataDurable].
        boolean isDataDurable(Batch batch);

        void journalFailed(String what, int errno);
    }

    /// A batch of more than one record does not grow beyond this, and goes out at seven eighths of
    /// it even if nobody waits. A power of two, as buffers are.
    static final int BATCH_BYTES = 1 << 20;

    /// Bytes that wait to be written at most, before writers are held back.
    private static final long UNWRITTEN_BYTES_MAX = 16L << 20;

    private final MediaFile file;
    private final BufPool pool;
    private final Loop loop;
    private final StoreConfig config;
    private final DiskIdentity disk;
    private final StoreCounters counters;
    private final Owner owner;
    private final Crc crc = new Crc();
    private final int start;
    private final long ringEnd;
    private final int batchBytes;
    private final int worthBytes;
    private final IoDone onWritten = this::onWritten;
    private final IoDone onSynced = this::onSynced;
    private final Runnable pumpTask = this::pumpNow;
    private final Runnable timerTask = this::onTimer;

    // Where the next batch goes, and what it follows.
    private long head;
    private long lap;
    private int lastChecksum;

    private final LiveBatches live = new LiveBatches();

    private final ArrayDeque<Batch> full = new ArrayDeque<>();
    private @Nullable Batch filling;
    private final ArrayDeque<Batch.Filling> spare = new ArrayDeque<>();
    private long unwrittenBytes;

    private @Nullable Batch writing;
    private @Nullable Buf writingBuf;
    private long writingSinceNs;
    private boolean writingWithSync;
    private boolean syncing;
    private long syncingThrough;
    private long syncWanted;
    private boolean pumpQueued;
    private Loop.@Nullable Timer timer;
    private boolean failed;
    private long pendingBytesMax;

    private long nextSequence;
    private long applied;
    private long written;
    private long durable;
    private final ArrayDeque<Waiter> waiters = new ArrayDeque<>();

    private record Waiter(long sequence, IoDone done, long token, long sinceNs) {}

    /// @param place where replay ended
    /// @param nextSequence above every sequence found in the ring
    Journal(
            MediaFile file,
            BufPool pool,
            Loop loop,
            StoreConfig config,
            DiskIdentity disk,
            StoreCounters counters,
            Owner owner,
            int start,
            RingPlace place,
            long nextSequence) {
        this.file = file;
        this.pool = pool;
        this.loop = loop;
        this.config = config;
        this.disk = disk;
        this.counters = counters;
        this.owner = owner;
        this.start = start;
        ringEnd = file.sizeBytes();
        batchBytes = Math.min(BATCH_BYTES, config.batchBytesMax());
        worthBytes = batchBytes / 8 * 7;
        pendingBytesMax = config.pendingBytesMax();
        head = place.position();
        lap = place.lap();
        lastChecksum = place.checksum();
        this.nextSequence = nextSequence;
        applied = place.lastSequence();
        written = applied;
        durable = written;
        syncWanted = durable;
    }

    // What replay found.

    /// Takes over a batch that replay has read: it counts as live, its data stays in the ring.
    void adopt(Batch batch) {
        live.add(batch);
    }

    // Records.

    /// The batch that takes the next record, with room for it.
    Batch batchFor(int recordBytes, int dataBlocks) {
        Batch batch = filling;
        if (batch != null) {
            Batch.Filling f = fillingOf(batch);
            int headBytes = JournalBatch.align4K(f.headBytes + recordBytes);
            int bytes = headBytes + (f.dataBlocks + dataBlocks) * Sizes.BLOCK_BYTES;
            if (headBytes > JournalBatch.HEAD_BYTES_MAX || bytes > batchBytes) {
                full.add(batch);
                queuePump();
                batch = null;
            }
        }
        if (batch == null) {
            batch = new Batch(nextSequence);
            Batch.Filling f = spare.pollLast();
            batch.filling = f == null ? new Batch.Filling() : f;
            filling = batch;
        }
        fillingOf(batch).ensure(recordBytes, dataBlocks);
        return batch;
    }

    /// The record that was encoded at the end of [#batchFor] is complete.
    long added(Batch batch, int recordBytes, int dataBlocks) {
        Batch.Filling f = fillingOf(batch);
        Check.that(batch == filling, "record added to another batch");
        f.headBytes += recordBytes;
        f.recordCount++;
        batch.recordCount++;
        unwrittenBytes += recordBytes + (long) dataBlocks * Sizes.BLOCK_BYTES;
        counters.records++;
        if (batch.bytesWhenSealed() >= worthBytes) {
            queuePump();
        }
        startTimer();
        applied = nextSequence++;
        return applied;
    }

    /// Ends the filling batch: what follows goes to another one, so that the tail can come to lie
    /// between the two.
    void endBatch() {
        Batch batch = filling;
        if (batch != null) {
            full.add(batch);
            filling = null;
            queuePump();
        }
    }

    private static Batch.Filling fillingOf(Batch batch) {
        Batch.Filling f = batch.filling;
        if (f == null) {
            throw Check.failed("batch is sealed");
        }
        return f;
    }

    // Sequences.

    long appliedSequence() {
        return applied;
    }

    long durableSequence() {
        return durable;
    }

    /// Calls back, later, when everything up to `sequence` is durable.
    void sync(long sequence, IoDone done, long token) {
        long wanted = Math.min(sequence, applied);
        if (failed) {
            loop.execute(() -> done.done(token, -Errno.EIO));
        } else if (wanted <= durable) {
            loop.execute(() -> done.done(token, failed ? -Errno.EIO : 0));
        } else {
            waiters.add(new Waiter(wanted, done, token, loop.nowNs()));
            want(wanted);
        }
    }

    /// Makes durable what was applied so far and what is being applied, without anybody waiting.
    void syncSoon() {
        loop.execute(() -> {
            if (!failed && applied > syncWanted) {
                want(applied);
            }
        });
    }

    private boolean isIdle() {
        return applied == durable;
    }

    private void want(long sequence) {
        if (sequence > syncWanted) {
            syncWanted = sequence;
        }
        queuePump();
    }

    // Room.

    /// Bytes of the ring that are taken, with what waits to be written.
    long usedBytes() {
        return live.usedBytes() + unwrittenBytes;
    }

    long ringBytes() {
        return ringEnd - JournalBatch.RING_PAGE_BYTES;
    }

    /// Bytes of data that fit beside what waits, with two of the largest batches kept back: for the
    /// loss where the ring wraps, and for the records that nobody holds back.
    long room() {
        return ringBytes() - usedBytes() - 2L * config.batchBytesMax();
    }

    long pendingBytesMax() {
        return pendingBytesMax;
    }

    /// Keeps no more data in memory from now on.
    void limitPending(long bytes) {
        pendingBytesMax = bytes;
        if (writing == null) {
            live.evict(bytes);
        }
    }

    /// Bytes in the ring at which a checkpoint starts: what it moves is then in memory, with what
    /// comes meanwhile; what has to be read from the ring again costs as much as what is written.
    long checkpointBytes() {
        long ring = ringBytes();
        return Math.min(ring / 2, Math.max(ring / 16, pendingBytesMax / 8 * 5));
    }

    /// Bytes of the ring over which a checkpoint is spread: its start and they fit into memory.
    long stretchBytes() {
        long ring = ringBytes();
        return Math.max(ring / 32, Math.min(ring / 16 * 3, pendingBytesMax / 4));
    }

    boolean backlogged() {
        return unwrittenBytes >= UNWRITTEN_BYTES_MAX;
    }

    long residentBytes() {
        return live.residentBytes();
    }

    long unsyncedBytes() {
        return unwrittenBytes + live.bytesAbove(durable);
    }

    // Writing.

    private void queuePump() {
        if (!pumpQueued) {
            pumpQueued = true;
            loop.execute(pumpTask);
        }
    }

    /// See [Owner#isDataDurable].
    void dataDurable() {
        queuePump();
    }

    private void pumpNow() {
        pumpQueued = false;
        pump();
    }

    private void pump() {
        if (failed) {
            return;
        }
        if (writing == null) {
            writeNext();
        }
        if (!syncing && !writingWithSync && written > durable && isWanted(written)) {
            startSync();
        }
    }

    /// Whether somebody waits for no more than what is written once `sequence` is. Where all wait
    /// for batches behind it, one sync at the end serves them.
    private boolean isWanted(long sequence) {
        Waiter first = waiters.peekFirst();
        return (syncWanted > durable && syncWanted <= sequence)
                || (first != null && first.sequence <= sequence);
    }

    private void writeNext() {
        Batch next = full.peek();
        if (next == null) {
            Batch candidate = filling;
            if (candidate == null
                    || (syncWanted < candidate.firstSequence
                            && candidate.bytesWhenSealed() < worthBytes)) {
                return;
            }
            full.add(candidate);
            filling = null;
            next = candidate;
        }
        int bytes = next.bytesWhenSealed();
        boolean wraps = head + bytes > ringEnd;
        long wasted = wraps ? ringEnd - head : 0;
        if (live.usedBytes() + wasted + bytes > ringBytes()) {
            owner.journalFull();
            return;
        }
        if (!owner.isDataDurable(next)) {
            return;
        }
        full.remove();
        if (wraps) {
            head = JournalBatch.RING_PAGE_BYTES;
            lap++;
        }
        next.wastedBytes = wasted;
        Buf buf = seal(next, bytes);
        live.add(next);
        counters.journalBatches++;
        counters.journalBytesWritten += bytes;
        writing = next;
        writingBuf = buf.retain();
        writingSinceNs = loop.nowNs();
        writingWithSync = !syncing && isWanted(next.lastSequence());
        if (writingWithSync) {
            counters.journalSyncs++;
            file.writeAndSync(next.position, buf, 0, bytes, onWritten, 0);
        } else {
            file.write(next.position, buf, 0, bytes, onWritten, 0);
        }
    }

    /// Puts the whole batch into one buffer, as it will lie in the ring.
    private Buf seal(Batch batch, int bytes) {
        Batch.Filling f = fillingOf(batch);
        Buf buf = pool.take(bytes);
        int dataStart = JournalBatch.align4K(f.headBytes);
        JournalBatch.encodeHeader(
                f.head,
                disk,
                start,
                lap,
                batch.firstSequence,
                durable,
                f.recordCount,
                f.headBytes,
                bytes,
                lastChecksum);
        buf.bytes().put(0, f.head, 0, f.headBytes);
        buf.zero(f.headBytes, dataStart - f.headBytes);
        int at = dataStart;
        for (int i = 0; i < f.dataBlocks; i++) {
            Buf source = f.sources[i];
            if (source == null) {
                throw Check.failed("block without data");
            }
            buf.copyFrom(at, source, f.offsets[i], Sizes.BLOCK_BYTES);
            at += Sizes.BLOCK_BYTES;
        }
        int checksum = crc.of(buf, 0, bytes);
        buf.bytes().putInt(JournalBatch.CHECKSUM, checksum);
        unwrittenBytes -=
                f.headBytes - JournalBatch.HEADER_BYTES + (long) f.dataBlocks * Sizes.BLOCK_BYTES;
        batch.buf = buf;
        batch.position = head;
        batch.bytes = bytes;
        batch.lap = lap;
        batch.checksum = checksum;
        batch.dataStart = dataStart;
        batch.dataBlocks = f.dataBlocks;
        f.releaseAll();
        f.reset();
        spare.addLast(f);
        batch.filling = null;
        head += bytes;
        lastChecksum = checksum;
        return buf;
    }

    private void onWritten(long token, int result) {
        Batch batch = writing;
        Buf buf = writingBuf;
        if (batch == null || buf == null) {
            throw Check.failed("no batch was being written");
        }
        writing = null;
        writingBuf = null;
        buf.release();
        boolean synced = writingWithSync;
        writingWithSync = false;
        if (failed) {
            return;
        }
        if (result < 0) {
            fail("write of the journal", -result);
            return;
        }
        counters.journalWriteLatency.record(loop.nowNs() - writingSinceNs);
        written = batch.lastSequence();
        live.evict(pendingBytesMax);
        if (synced) {
            becameDurable(written);
        }
        pump();
        owner.journalMoved();
    }

    private void startSync() {
        syncing = true;
        syncingThrough = written;
        counters.journalSyncs++;
        file.sync(onSynced, 0);
    }

    private void onSynced(long token, int result) {
        syncing = false;
        if (failed) {
            return;
        }
        if (result < 0) {
            fail("sync of the journal", -result);
            return;
        }
        becameDurable(syncingThrough);
        pump();
        owner.journalMoved();
    }

    private void becameDurable(long sequence) {
        durable = Math.max(durable, sequence);
        // Waiters came in order of their wish, not of their sequence; most wait for the newest.
        for (int n = waiters.size(); n > 0; n--) {
            Waiter waiter = waiters.pollFirst();
            if (waiter == null) {
                // Somebody who was told has stopped everything.
                return;
            }
            if (waiter.sequence <= durable) {
                counters.syncLatency.record(loop.nowNs() - waiter.sinceNs);
                waiter.done.done(waiter.token, 0);
            } else {
                waiters.addLast(waiter);
            }
        }
        if (timer != null && isIdle()) {
            timer.cancel();
            timer = null;
        }
    }

    private void startTimer() {
        if (timer == null && !failed) {
            timer = loop.schedule(config.syncAfterNs(), timerTask);
        }
    }

    private void onTimer() {
        timer = null;
        if (failed || isIdle()) {
            return;
        }
        // An older wish is fulfilled first: a device that lags behind must not chase a moving
        // target.
        if (syncWanted <= durable) {
            want(applied);
        }
        startTimer();
    }

    // Memory and tail.

    /// Where the log begins once everything up to `sequence` is in its place; to be made durable
    /// before [#dropThrough].
    RingPlace placeAfter(long sequence) {
        return live.placeAfter(sequence);
    }

    /// The tail moves: what is in place and durable elsewhere is forgotten.
    void dropThrough(long sequence) {
        Check.that(sequence <= durable, "tail beyond what is durable", sequence, durable);
        live.dropThrough(sequence);
        queuePump();
        owner.journalMoved();
    }

    /// Reads a block of an evicted batch.
    void read(Batch batch, int slot, int blocks, Buf target, int offset, IoDone done, long token) {
        int bytes = blocks * Sizes.BLOCK_BYTES;
        counters.blocksReadRing += blocks;
        file.read(batch.ringPosition(slot), target, offset, bytes, done, token);
    }

    boolean hasLive() {
        return !live.isEmpty() || filling != null || !full.isEmpty();
    }

    private void fail(String what, int errno) {
        stop();
        owner.journalFailed(what, errno);
    }

    /// Nothing is written any more; who waits is told that it failed.
    void stop() {
        if (failed) {
            return;
        }
        failed = true;
        if (timer != null) {
            timer.cancel();
            timer = null;
        }
        while (true) {
            Waiter waiter = waiters.pollFirst();
            if (waiter == null) {
                return;
            }
            loop.execute(() -> waiter.done.done(waiter.token, -Errno.EIO));
        }
    }

    /// Gives back all buffers and closes the file; nothing may be under way.
    void close() {
        stop();
        live.close();
        for (Batch batch : full) {
            fillingOf(batch).releaseAll();
        }
        if (filling != null) {
            fillingOf(filling).releaseAll();
        }
        file.close();
    }
}
