package comet.store;

import comet.base.Buf;
import comet.base.BufPool;
import comet.base.Bytes;
import comet.base.Crc;
import comet.port.Events;
import comet.port.Index;
import comet.port.Loop;
import comet.port.Media;
import comet.port.MediaFile;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The way of a disk from its folder to service: checks that everything belongs together, counts
/// the start, loads what is kept in memory, replays the journal.
final class DiskOpen implements JournalReplay.Listener {
    static final String JOURNAL = "journal";

    private final DiskParts parts;
    private final DiskIdentity identity;
    private final Disk.Opened done;
    private StartRecord start;
    private boolean wasClean;
    private @Nullable MediaFile ring;
    private long indexSequence;
    private final ArrayDeque<Batch> replayed = new ArrayDeque<>();
    private long replayedRecords;
    private long rewrittenBytes;

    private DiskOpen(DiskParts parts, StartRecord start, Disk.Opened done) {
        this.parts = parts;
        identity = parts.identity;
        this.start = start;
        this.done = done;
        wasClean = start.clean();
    }

    static void open(
            Media media,
            Index index,
            Loop loop,
            BufPool pool,
            StoreConfig config,
            @Nullable DiskIdentity expected,
            Events events,
            Disk.Opened done) {
        DiskIdentity.Read read = Disk.identity(media);
        DiskIdentity identity = read.identity();
        String error = read.error();
        if (identity != null && expected != null) {
            error = identity.differs(expected);
        }
        StartRecord start = null;
        byte[] content = media.readSmall(StartRecord.FILE);
        if (content != null) {
            start = StartRecord.decode(content);
        }
        if (error == null && start == null) {
            error = StartRecord.FILE + (content == null ? " is missing" : " is damaged");
        }
        if (error != null || identity == null || start == null) {
            String told = error == null ? "no identity" : error;
            loop.execute(() -> done.opened(null, told));
            return;
        }
        DiskParts parts = new DiskParts(media, index, loop, pool, config, events, identity);
        new DiskOpen(parts, start, done).checkIndex();
    }

    private void refuse(String error) {
        if (ring != null) {
            ring.close();
        }
        parts.segments.close();
        parts.loop.execute(() -> done.opened(null, error));
    }

    // The index.

    private void checkIndex() {
        byte[][] keys = {IndexRows.IDENTITY, IndexRows.TAIL};
        readFacts(keys, new byte[keys.length][], 0);
    }

    private void readFacts(byte[][] keys, byte[][] found, int n) {
        if (n == keys.length) {
            checkFacts(found);
            return;
        }
        IndexLoad.scan(
                parts.index,
                keys[n][0],
                (_, value) -> {
                    found[n] = value;
                    return false;
                },
                error -> goOn(error, () -> readFacts(keys, found, n + 1)));
    }

    private void goOn(@Nullable String error, Runnable then) {
        if (error != null) {
            refuse(error);
        } else {
            then.run();
        }
    }

    private void checkFacts(byte[][] found) {
        byte[] owner = new byte[16];
        Bytes.putLong(owner, 0, identity.uuidHigh());
        Bytes.putLong(owner, 8, identity.uuidLow());
        if (found[0] == null) {
            if (start.startCount() > 0) {
                refuse("the index of the disk is missing or empty");
                return;
            }
            List<Index.Change> changes = List.of(new Index.Change(IndexRows.IDENTITY, owner));
            parts.index.commit(changes, (token, result) -> identified(result), 0);
            return;
        }
        if (!java.util.Arrays.equals(found[0], owner)) {
            refuse("the index belongs to another disk");
            return;
        }
        if (found[1] != null) {
            parts.tail = RingPlace.decode(found[1]);
            indexSequence = IndexRows.tailSequence(found[1]);
        }
        countStart();
    }

    private void identified(int result) {
        if (result < 0) {
            refuse("cannot write the index: errno " + -result);
        } else {
            countStart();
        }
    }

    private void countStart() {
        start = new StartRecord(start.startCount() + 1, start.bootId(), false, start.damaged());
        try {
            parts.media.writeSmall(StartRecord.FILE, start.encode());
        } catch (Media.MediaException e) {
            refuse("cannot write " + StartRecord.FILE + ": " + e.getMessage());
            return;
        }
        parts.media.open(JOURNAL, Media.Access.DIRECT, this::journalOpened);
    }

    // The files.

    private void journalOpened(@Nullable MediaFile file, int errno) {
        if (file == null) {
            refuse("cannot open the journal: errno " + errno);
            return;
        }
        ring = file;
        Buf page = parts.pool.take(JournalBatch.RING_PAGE_BYTES);
        file.read(
                0,
                page,
                0,
                JournalBatch.RING_PAGE_BYTES,
                (token, result) -> {
                    String error =
                            result != JournalBatch.RING_PAGE_BYTES
                                    ? "cannot read the journal: " + result
                                    : JournalBatch.checkRingPage(
                                            page, identity, file.sizeBytes(), new Crc());
                    page.release();
                    if (error.isEmpty()) {
                        openSegments();
                    } else {
                        refuse(error);
                    }
                },
                0);
    }

    private void openSegments() {
        IndexLoad load = new IndexLoad(parts);
        load.segments((known, error) ->
                goOn(
                        error,
                        () ->
                                parts.segments.open(
                                        known,
                                        why -> goOn(why, () -> load.rows(this::rowsLoaded)))));
    }

    private void rowsLoaded(@Nullable String error) {
        if (error != null) {
            refuse(error);
            return;
        }
        for (Segment segment : parts.segments.space().segments()) {
            if (segment.cut) {
                parts.events.event(
                        Events.Level.ERROR,
                        "segment-short",
                        "segment=" + Segments.name(segment.number) + " blocks=" + segment.blocks);
            }
        }
        replay();
    }

    // The journal.

    private void replay() {
        MediaFile file = ring;
        if (file != null) {
            new JournalReplay(file, parts.pool, parts.loop, identity, parts.tail, !wasClean, this)
                    .start();
        }
    }

    @Override
    public boolean batch(Batch batch, byte[] head, int headBytes, Buf data, int dataOffset) {
        int at = JournalBatch.HEADER_BYTES;
        int slot = 0;
        long sequence = batch.firstSequence;
        for (int n = 0; n < batch.recordCount; n++) {
            int blocks = JournalBatch.dataBlocks(head, at);
            int offset = dataOffset + (slot << comet.base.Sizes.BLOCK_SHIFT);
            int bytes = parts.changes.apply(head, at, sequence++, batch, slot, data, offset);
            if (bytes < 0) {
                return false;
            }
            at += bytes;
            slot += blocks;
            replayedRecords++;
        }
        replayed.add(batch);
        return true;
    }

    @Override
    public void failed(String error) {
        refuse(error);
    }

    @Override
    public void ended(JournalReplay.Result result) {
        MediaFile file = ring;
        if (file == null) {
            return;
        }
        if (result.startMax() >= start.startCount()) {
            // What this start would write would not follow what is there, and never be replayed.
            refuse(StartRecord.FILE + " is older than the journal: an old copy of it?");
            return;
        }
        long durable = Math.max(result.durableMax(), indexSequence);
        boolean damaged = durable > result.end().lastSequence();
        if (damaged) {
            parts.events.event(
                    Events.Level.ERROR,
                    "journal-damaged",
                    "readThrough=" + result.end().lastSequence() + " durableThrough=" + durable);
            start = new StartRecord(start.startCount(), start.bootId(), false, true);
            try {
                parts.media.writeSmall(StartRecord.FILE, start.encode());
            } catch (Media.MediaException e) {
                refuse("cannot write " + StartRecord.FILE + ": " + e.getMessage());
                return;
            }
        }
        long nextSequence = Math.max(result.sequenceMax(), indexSequence) + 1;
        rewrite(file, result.end(), durable, nextSequence);
    }

    /// What was read above `durable` is to count as durable, too, and has to be made so first.
    ///
    /// Segments need nothing like it. Blocks that the index names were synced before the commit
    /// that named them, by the process that had written them, and a failed sync ends a process's
    /// commits. All others, in place or not, are those of records behind what the index reflects:
    /// these are in the ring above its tail, were replayed, and hide from readers whatever lies in
    /// segments; the next checkpoint writes every one of their blocks, and syncs, before it
    /// commits. It may write over old places since the ring holds their new content, durably, from
    /// here on.
    private void rewrite(MediaFile file, RingPlace end, long durable, long nextSequence) {
        List<Batch> unproven = new ArrayList<>();
        for (Batch batch : replayed) {
            if (batch.lastSequence() > durable) {
                unproven.add(batch);
            }
        }
        JournalRewrite[] rewrite = new JournalRewrite[1];
        rewrite[0] =
                new JournalRewrite(
                        file,
                        parts.pool,
                        unproven,
                        error -> {
                            if (error != null) {
                                refuse(error);
                            } else {
                                rewrittenBytes = rewrite[0].writtenBytes();
                                finish(file, end, nextSequence);
                            }
                        });
        rewrite[0].start();
    }

    private void finish(MediaFile file, RingPlace end, long nextSequence) {
        Disk disk = new Disk(parts, start, wasClean);
        Journal journal =
                new Journal(
                        file,
                        parts.pool,
                        parts.loop,
                        parts.config,
                        identity,
                        parts.counters,
                        disk,
                        (int) start.startCount(),
                        end,
                        nextSequence);
        for (Batch batch : replayed) {
            journal.adopt(batch);
        }
        int lost = parts.pending.claim(parts.segments);
        if (lost > 0) {
            parts.events.event(Events.Level.ERROR, "blocks-lost", "blocks=" + lost);
        }
        parts.opened(journal, disk::onFailure);
        parts.events.event(
                Events.Level.INFO,
                "disk-opened",
                "disk="
                        + identity.diskId()
                        + " start="
                        + start.startCount()
                        + " clean="
                        + wasClean
                        + " chunks="
                        + parts.headers.count()
                        + " replayedRecords="
                        + replayedRecords
                        + " rewrittenBytes="
                        + rewrittenBytes);
        parts.segments.growIfNeeded(0);
        Runnable answer =
                () -> {
                    disk.opened();
                    done.opened(disk, null);
                };
        if (parts.segments.isCreating()) {
            parts.segments.growThen(answer);
        } else {
            parts.loop.execute(answer);
        }
    }
}
