package comet.store;

import comet.base.Buf;
import comet.base.BufPool;
import comet.base.Check;
import comet.port.Errno;
import comet.port.Events;
import comet.port.Index;
import comet.port.IoDone;
import comet.port.Loop;
import comet.port.Media;
import comet.wire.Frame;
import org.jspecify.annotations.Nullable;

/// One disk: a folder in which chunks are kept. Changes go to memory and through the [Journal]; the
/// [Checkpoint] moves them to their place in segments and into the index.
///
/// How to get one: [#format] an empty folder once; then, at each start, [#open] it with its index
/// and wait for the answer; [#close] it when nobody uses it any more. All calls on the disk's loop.
///
/// ```
/// Disk.format(media, identity, config, pool, error -> …);
/// Disk.open(media, index, loop, pool, config, null, events, (disk, error) -> …);
/// ```
public final class Disk implements ChunkStore, Journal.Owner, LargeWrites.Owner, Checkpoint.Owner {
    /// Told the outcome of [#format]: null, or what went wrong.
    public interface Formatted {
        void formatted(@Nullable String error);
    }

    /// Told the outcome of [#open]: exactly one of the two is set.
    public interface Opened {
        void opened(@Nullable Disk disk, @Nullable String error);
    }

    private final DiskParts parts;
    private final Checkpoint checkpoint;
    private final CheckpointStart begin;
    private final LargeWrites large;
    private final Room room;
    private final BlockReader reader;
    private final Records records;
    private StartRecord start;
    private final boolean wasClean;

    /// Whether the boot id kept here is surely the newest that the group knows. A start whose
    /// registration was not answered may have been given another; a stop then is none that the
    /// group could count as clean.
    private boolean lifeKnown;

    private boolean stalled;
    private boolean closed;
    private @Nullable IoDone closing;
    private long closingToken;

    Disk(DiskParts parts, StartRecord start, boolean wasClean) {
        this.parts = parts;
        this.start = start;
        this.wasClean = wasClean;
        lifeKnown = wasClean && start.bootId() != 0;
        checkpoint = new Checkpoint(parts, this);
        begin = new CheckpointStart(parts, checkpoint);
        large = new LargeWrites(parts, this);
        room = new Room(parts, checkpoint, large);
        reader = new BlockReader(parts);
        records = new Records(parts, large);
    }

    /// Makes a disk. Refuses a folder in which there is anything.
    public static void format(
            Media media, DiskIdentity identity, StoreConfig config, BufPool pool, Formatted done) {
        DiskFormat.format(media, identity, config, pool, done);
    }

    /// Which disk this folder is, without opening it.
    public static DiskIdentity.Read identity(Media media) {
        byte[] content = media.readSmall(DiskIdentity.FILE);
        return content == null
                ? new DiskIdentity.Read(
                        null,
                        "no disk here: "
                                + DiskIdentity.FILE
                                + " is missing (is the file system mounted?)")
                : DiskIdentity.decode(content);
    }

    /// Opens a disk: counts the start, loads headers, replays the journal. Blocks while it reads
    /// the index, and answers later.
    ///
    /// @param index the disk's own; closed by [#close]
    /// @param expected what the disk has to be, or null where nothing is known about it yet
    public static void open(
            Media media,
            Index index,
            Loop loop,
            BufPool pool,
            StoreConfig config,
            @Nullable DiskIdentity expected,
            Events events,
            Opened done) {
        DiskOpen.open(media, index, loop, pool, config, expected, events, done);
    }

    void opened() {
        parts.segments.checkLevel();
        begin.changed();
    }

    // Facts about this disk and its lives.

    public DiskIdentity identity() {
        return parts.identity;
    }

    /// Starts of this disk, this one included.
    public long startCount() {
        return start.startCount();
    }

    /// Whether the last stop before this start was clean: everything acknowledged is here.
    public boolean clean() {
        return wasClean;
    }

    /// Whether durable journal records were found damaged, now or at an earlier start, and
    /// [#damageHandled] was not called since.
    public boolean damaged() {
        return start.damaged();
    }

    /// The boot id set last, 0 if none: valid only where the last stop was clean.
    public long bootId() {
        return start.bootId();
    }

    /// Durable on return. Blocks; for starts only.
    public void setBootId(long bootId) throws Media.MediaException {
        keep(new StartRecord(start.startCount(), bootId, false, start.damaged()));
        lifeKnown = true;
    }

    /// What was damaged has been replaced by copies, or was given up. Durable on return; blocks.
    public void damageHandled() throws Media.MediaException {
        keep(new StartRecord(start.startCount(), start.bootId(), false, false));
    }

    private void keep(StartRecord record) throws Media.MediaException {
        parts.media.writeSmall(StartRecord.FILE, record.encode());
        start = record;
    }

    // Chunks.

    @Override
    public @Nullable Chunk chunk(long volumeId, int chunkIndex) {
        Header header = parts.headers.get(volumeId, chunkIndex);
        return header == null || !header.exists ? null : header;
    }

    @Override
    public void chunksOfVolume(long volumeId, int fromChunk, ChunkVisitor visitor) {
        parts.headers.ofVolume(volumeId, fromChunk, visitor);
    }

    @Override
    public void chunksOfPg(int pg, long afterVolume, long afterChunk, ChunkVisitor visitor) {
        parts.headers.ofPg(pg, afterVolume, afterChunk, visitor);
    }

    @Override
    public long fence(long volumeId) {
        return parts.changes.fence(volumeId);
    }

    @Override
    public void fences(long afterVolume, FenceVisitor visitor) {
        parts.changes.fences(afterVolume, visitor);
    }

    /// The value of a note, or null where there is none. Not to be changed.
    @Override
    public byte @Nullable [] note(String name) {
        return parts.changes.note(name);
    }

    // Changes.

    @Override
    public boolean hasRoom(long dataBytes) {
        return room.has(dataBytes);
    }

    @Override
    public void whenRoom(Runnable work) {
        room.when(work);
        parts.loop.execute(this::roomWanted);
    }

    /// Who waits is woken by what moves; where nothing does, there is room.
    private void roomWanted() {
        begin.maybe();
        boolean moving =
                checkpoint.isRunning() || parts.journal().backlogged() || large.backlogged();
        if (parts.hasFailed() || !moving) {
            room.changed();
        }
    }

    @Override
    public long write(Frame write) {
        return refuses() ? -1 : changed(records.write(write));
    }

    @Override
    public long copyBlock(
            long volumeId,
            int chunkIndex,
            int generation,
            int base,
            int block,
            int state,
            long version,
            int crc,
            @Nullable Buf data,
            int dataOffset) {
        return refuses()
                ? -1
                : changed(
                        records.copyBlock(
                                volumeId,
                                chunkIndex,
                                generation,
                                base,
                                block,
                                state,
                                version,
                                crc,
                                data,
                                dataOffset));
    }

    @Override
    public long setVersion(long volumeId, int chunkIndex, long version) {
        return refuses() ? -1 : changed(records.setVersion(volumeId, chunkIndex, version));
    }

    @Override
    public long dropChunk(long volumeId, int chunkIndex) {
        return refuses() ? -1 : changed(records.dropChunk(volumeId, chunkIndex));
    }

    @Override
    public long setFence(long volumeId, long term) {
        return refuses() ? -1 : changed(records.setFence(volumeId, term));
    }

    @Override
    public void putNote(String name, byte[] value) {
        if (!refuses()) {
            changed(records.putNote(name, value));
        }
    }

    private boolean refuses() {
        Check.that(!closed && closing == null, "changed after the close");
        return parts.hasFailed();
    }

    private long changed(long sequence) {
        begin.changed();
        return sequence;
    }

    // Durability.

    @Override
    public void sync(long sequence, IoDone done, long token) {
        parts.journal().sync(sequence, done, token);
    }

    @Override
    public long appliedSequence() {
        return parts.journal().appliedSequence();
    }

    @Override
    public long durableSequence() {
        return parts.journal().durableSequence();
    }

    // Reading.

    @Override
    public void read(
            long volumeId,
            int chunkIndex,
            int snapshot,
            int firstBlock,
            int blockCount,
            Frame reply,
            IoDone done,
            long token) {
        reader.read(volumeId, chunkIndex, snapshot, firstBlock, blockCount, reply, done, token);
    }

    @Override
    public void blocks(long volumeId, int chunkIndex, int generation, BlocksVisitor visitor) {
        new BlockLister(parts, volumeId, chunkIndex, generation, visitor).start();
    }

    // Space.

    @Override
    public boolean grant(long bytes, long besideBytes) {
        if (parts.hasFailed()) {
            return false;
        }
        boolean granted = parts.segments.grant(bytes, besideBytes);
        if (!granted && parts.segments.mayFitOnceSettled(bytes, besideBytes, false)) {
            startCheckpoint();
        }
        return granted;
    }

    @Override
    public boolean fits(long bytes, long besideBytes) {
        boolean fits = parts.segments.fits(bytes, besideBytes);
        if (!fits && parts.segments.mayFitOnceSettled(bytes, besideBytes, true)) {
            startCheckpoint();
        }
        return fits;
    }

    @Override
    public void reclaim() {
        if (parts.pending.freeingBlocks() > 0) {
            startCheckpoint();
        }
    }

    @Override
    public void giveBack(long bytes) {
        parts.segments.giveBack(bytes);
    }

    @Override
    public boolean spaceIsComing() {
        return parts.segments.isCreating()
                || (checkpoint.isRunning()
                        && !stalled
                        && parts.pending.unplacedBlocks() + parts.pending.freeingBlocks() > 0);
    }

    @Override
    public long usedBytes() {
        return parts.segments.usedBytes();
    }

    @Override
    public long capacityBytes() {
        return parts.segments.capacityBytes();
    }

    /// Fullness in percent, for health and its levels.
    public int fullPercent() {
        return parts.segments.fullPercent();
    }

    // Metrics.

    public StoreCounters counters() {
        return parts.counters;
    }

    public long journalUsedBytes() {
        return parts.journal().usedBytes();
    }

    public long journalBytes() {
        return parts.journal().ringBytes();
    }

    /// Data of the journal that is kept in memory.
    public long pendingBytes() {
        return parts.journal().residentBytes();
    }

    /// Bytes of the journal that a power failure would lose now.
    public long unsyncedBytes() {
        return parts.journal().unsyncedBytes() + large.unsyncedBytes();
    }

    public long pendingBytesMax() {
        return parts.journal().pendingBytesMax();
    }

    /// Limits anew what of the journal is kept in memory ([StoreConfig#pendingBytesMax]).
    public void limitPending(long bytes) {
        parts.journal().limitPending(bytes);
    }

    public int chunkCount() {
        return parts.headers.count();
    }

    boolean isCheckpointing() {
        return checkpoint.isRunning();
    }

    Headers headers() {
        return parts.headers;
    }

    java.util.List<Segment> segments() {
        return parts.segments.space().segments();
    }

    /// Segment files that are missing or shorter than they were.
    public int missingSegments() {
        int missing = 0;
        for (Segment segment : parts.segments.space().segments()) {
            missing += segment.file == null || segment.cut ? 1 : 0;
        }
        return missing;
    }

    // Checkpoints.

    /// Starts a checkpoint now, if none runs and there is anything to do, and lets it hurry.
    public void startCheckpoint() {
        begin.now();
    }

    @Override
    public void journalMoved() {
        room.changed();
    }

    @Override
    public void journalFull() {
        startCheckpoint();
    }

    @Override
    public void journalFailed(String what, int errno) {
        parts.fail(what, errno);
    }

    @Override
    public boolean isDataDurable(Batch batch) {
        return large.isDurable(batch);
    }

    @Override
    public void largeDurable() {
        parts.journal().dataDurable();
    }

    @Override
    public void largeUnsynced() {
        parts.journal().syncSoon();
    }

    @Override
    public void largeMoved() {
        room.changed();
    }

    @Override
    public void checkpointMoved() {
        stalled = false;
        room.changed();
    }

    @Override
    public void checkpointStalled() {
        if (!stalled) {
            stalled = true;
            parts.events.event(
                    Events.Level.ERROR,
                    "disk-full",
                    "journalBytes=" + journalUsedBytes() + " usedBytes=" + usedBytes());
        }
        closeStep();
    }

    @Override
    public void checkpointEnded() {
        stalled = false;
        room.changed();
        if (closing != null) {
            closeStep();
        } else {
            begin.maybe();
        }
    }

    // The end.

    @Override
    public boolean failed() {
        return parts.hasFailed();
    }

    void onFailure(String what, int errno) {
        parts.journal().stop();
        parts.events.event(
                Events.Level.ERROR,
                "disk-failed",
                "disk=" + parts.identity.diskId() + " what=\"" + what + "\" errno=" + errno);
        parts.loop.execute(() -> {
            room.changed();
            closeStep();
        });
    }

    /// Brings everything to its place, syncs, and notes the clean stop; then closes index and
    /// files. Reads and listings under way end before; what is asked to be read later is answered
    /// with an error. No change may follow.
    ///
    /// @param done told 0, or a negative Errno where the stop was not clean
    public void close(IoDone done, long token) {
        Check.that(closing == null && !closed, "closed twice");
        closing = done;
        closingToken = token;
        parts.whenAllRead(this::closeStep);
        parts.loop.execute(this::closeStep);
    }

    private void closeStep() {
        if (closing == null || closed) {
            return;
        }
        if (parts.hasFailed()) {
            if (!parts.isBeingRead()) {
                finishClose(-Errno.EIO);
            }
        } else if (checkpoint.isRunning()) {
            checkpoint.hurry();
            if (stalled) {
                // There may never be space again; what is in the ring is replayed at the next
                // start.
                parts.fail("stop, for want of space", Errno.ENOSPC);
            }
        } else if (parts.journal().hasLive()) {
            checkpoint.start();
            checkpoint.hurry();
        } else if (!parts.isBeingRead()) {
            try {
                keep(
                        new StartRecord(
                                start.startCount(), start.bootId(), lifeKnown, start.damaged()));
                finishClose(0);
            } catch (Media.MediaException _) {
                finishClose(-Errno.EIO);
            }
        }
    }

    private void finishClose(int result) {
        closed = true;
        begin.stop();
        parts.journal().close();
        large.close();
        parts.segments.close();
        parts.index.close();
        if (closing != null) {
            closing.done(closingToken, result);
        }
    }
}
