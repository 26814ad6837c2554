package comet.store;

import comet.base.Buf;
import comet.base.Check;
import comet.base.Crc;
import comet.base.Sizes;
import comet.port.Errno;
import comet.port.Events;
import comet.port.IoDone;
import comet.wire.BlockState;
import comet.wire.Frame;
import comet.wire.ReadReply;
import comet.wire.ReadRequest;
import java.util.ArrayDeque;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// Reads blocks: looks all of them up in one moment (loading index pages first where needed), takes
/// the data from memory, from the ring or from segments, and checks every block against its
/// checksum.
///
/// Between look-up and read a checkpoint may move a block, or write over its old place. Such a read
/// fails its checksum; so a block that fails is looked up again, and is corrupt only if it is still
/// where it was read, with the same checksum.
final class BlockReader {
    private final DiskParts parts;
    private final Crc crc = new Crc();
    private final Lookup lookup;
    private final ArrayDeque<Read> spare = new ArrayDeque<>();

    BlockReader(DiskParts parts) {
        this.parts = parts;
        lookup = new Lookup(parts.pages);
    }

    void read(
            long volumeId,
            int chunkIndex,
            int snapshot,
            int firstBlock,
            int blockCount,
            Frame reply,
            IoDone done,
            long token) {
        if (parts.refusesReads()) {
            parts.loop.execute(() -> done.done(token, -Errno.EIO));
            return;
        }
        Read read = spare.pollLast();
        if (read == null) {
            read = new Read();
        }
        read.start(volumeId, chunkIndex, snapshot, firstBlock, blockCount, reply, done, token);
    }

    /// One read under way. Its arrays have an element per block.
    private final class Read extends PageWait {
        private long volumeId;
        private int chunkIndex;
        private int snapshot;
        private int firstBlock;
        private int blockCount;
        private @Nullable Frame reply;
        private @Nullable IoDone done;
        private long token;
        private long sinceNs;

        private byte[] states = new byte[32];
        private int[] crcs = new int[32];
        private long[] versions = new long[32];
        private @Nullable Source[] sources = new @Nullable Source[32];

        /// Slot in the batch, or [SpaceMap#place].
        private long[] places = new long[32];

        /// The block's number among the blocks with data.
        private int[] dataAt = new int[32];

        private int dataBlocks;
        private @Nullable Buf data;
        private int outstanding;

        /// What failed its checksum in an earlier round, else null.
        private @Nullable Suspects suspects;

        private final Runnable finishTask = this::finish;
        private final IoDone onRead = this::onRead;

        Read() {
            super(parts.pages);
        }

        void start(
                long volumeId,
                int chunkIndex,
                int snapshot,
                int firstBlock,
                int blockCount,
                Frame reply,
                IoDone done,
                long token) {
            this.volumeId = volumeId;
            this.chunkIndex = chunkIndex;
            this.snapshot = snapshot;
            this.firstBlock = firstBlock;
            this.blockCount = blockCount;
            this.reply = reply;
            this.done = done;
            this.token = token;
            parts.readBegan();
            sinceNs = parts.loop.nowNs();
            if (blockCount > states.length) {
                int length = Math.max(blockCount, 2 * states.length);
                states = new byte[length];
                crcs = new int[length];
                versions = new long[length];
                sources = new @Nullable Source[length];
                places = new long[length];
                dataAt = new int[length];
            }
            resolve();
        }

        /// Looks all blocks up; where pages are missing, again once they are there.
        private void resolve() {
            Header header = parts.headers.get(volumeId, chunkIndex);
            if (header == null || !header.exists) {
                Arrays.fill(states, 0, blockCount, (byte) BlockState.ABSENT);
                Arrays.fill(crcs, 0, blockCount, 0);
                Arrays.fill(versions, 0, blockCount, 0);
            } else {
                int generation = header.generationFor(snapshot);
                while (!findAll(header, generation)) {
                    if (isWaiting()) {
                        return;
                    }
                }
            }
            releasePages();
            fetch();
        }

        private boolean findAll(Header header, int generation) {
            boolean complete = true;
            int i = 0;
            while (i < blockCount) {
                int block = firstBlock + i;
                if (!lookup.find(header, generation, block)) {
                    want(header, lookup.missingGeneration, lookup.missingPage);
                    complete = false;
                    i = (block | IndexPage.BLOCKS - 1) + 1 - firstBlock;
                    continue;
                }
                states[i] = (byte) lookup.state;
                crcs[i] = lookup.crc;
                versions[i] = lookup.version;
                Source source = lookup.source;
                sources[i] = source;
                places[i] =
                        source != null
                                ? lookup.slot
                                : SpaceMap.place(
                                        lookup.segment, lookup.offset >>> Sizes.BLOCK_SHIFT);
                i++;
            }
            return complete;
        }

        @Override
        void pagesLoaded(int errno) {
            if (errno != 0) {
                releasePages();
                parts.fail("read of the index", errno);
                end(-Errno.EIO);
            } else {
                resolve();
            }
        }

        /// Starts reading all data that is not in memory.
        private void fetch() {
            countData();
            if (dataBlocks == 0 || fromMemory()) {
                parts.loop.execute(finishTask);
                return;
            }
            Buf target = parts.pool.take(dataBlocks << Sizes.BLOCK_SHIFT);
            data = target;
            outstanding = 1;
            int i = 0;
            while (i < blockCount) {
                int run = states[i] == BlockState.DATA ? run(i) : 1;
                if (states[i] == BlockState.DATA) {
                    readRun(target, i, run);
                }
                i += run;
            }
            if (--outstanding == 0) {
                parts.loop.execute(finishTask);
            }
        }

        /// Numbers the blocks with data; settles those whose data cannot be had.
        private void countData() {
            dataBlocks = 0;
            for (int i = 0; i < blockCount; i++) {
                if (states[i] != BlockState.DATA) {
                    continue;
                }
                if (sources[i] == null && isLost(places[i])) {
                    states[i] = BlockState.LOST;
                    parts.counters.lostBlocks++;
                } else if (suspects != null && suspects.confirm(this, i)) {
                    states[i] = BlockState.CORRUPT;
                } else {
                    dataAt[i] = dataBlocks++;
                }
            }
        }

        /// Blocks from `i` on that lie side by side and are read in one go.
        private int run(int i) {
            int n = 1;
            while (i + n < blockCount
                    && states[i + n] == BlockState.DATA
                    && sources[i + n] == sources[i]
                    && places[i + n] == places[i] + n
                    && (sources[i] != null
                            || SpaceMap.segmentOf(places[i + n])
                                    == SpaceMap.segmentOf(places[i]))) {
                n++;
            }
            return n;
        }

        private void readRun(Buf target, int i, int run) {
            int offset = dataAt[i] << Sizes.BLOCK_SHIFT;
            Source source = sources[i];
            long runToken = (long) i << 32 | run;
            if (source == null) {
                Segment segment = parts.segments.space().segment(SpaceMap.segmentOf(places[i]));
                if (segment == null || segment.file == null) {
                    throw Check.failed("segment lost in between");
                }
                outstanding++;
                long position = (long) SpaceMap.blockOf(places[i]) << Sizes.BLOCK_SHIFT;
                int bytes = run << Sizes.BLOCK_SHIFT;
                segment.file.read(position, target, offset, bytes, onRead, runToken);
            } else if (source instanceof Batch batch && batch.data((int) places[i]) == null) {
                outstanding++;
                parts.journal().read(batch, (int) places[i], run, target, offset, onRead, runToken);
            } else {
                parts.counters.blocksReadPending += run;
                for (int n = 0; n < run; n++) {
                    int slot = (int) places[i] + n;
                    Buf buf = source.data(slot);
                    if (buf != null) {
                        target.copyFrom(
                                offset + (n << Sizes.BLOCK_SHIFT),
                                buf,
                                source.dataOffset(slot),
                                Sizes.BLOCK_BYTES);
                    }
                }
            }
        }

        /// Answers by reference where all data lies side by side in one buffer in memory.
        private boolean fromMemory() {
            Buf whole = null;
            int start = 0;
            for (int i = 0; i < blockCount; i++) {
                if (states[i] != BlockState.DATA) {
                    continue;
                }
                Source source = sources[i];
                Buf buf = source == null ? null : source.data((int) places[i]);
                if (source == null || buf == null) {
                    return false;
                }
                int offset = source.dataOffset((int) places[i]);
                if (whole == null) {
                    whole = buf;
                    start = offset;
                }
                boolean follows = offset == start + (dataAt[i] << Sizes.BLOCK_SHIFT);
                if (buf != whole || !follows || crc.of(buf, offset, Sizes.BLOCK_BYTES) != crcs[i]) {
                    return false;
                }
            }
            if (whole == null || reply == null) {
                return false;
            }
            parts.counters.blocksReadPending += dataBlocks;
            reply.data(whole.retain(), start, dataBlocks << Sizes.BLOCK_SHIFT);
            return true;
        }

        private void onRead(long runToken, int result) {
            int run = (int) runToken;
            int i = (int) (runToken >>> 32);
            Buf target = data;
            if (target != null && result != run << Sizes.BLOCK_SHIFT) {
                // What could not be read is to fail its checksum.
                for (int n = i; n < i + run; n++) {
                    int offset = dataAt[n] << Sizes.BLOCK_SHIFT;
                    target.bytes().putInt(offset, ~target.bytes().getInt(offset));
                    states[n] = BlockState.CORRUPT;
                }
            }
            if (--outstanding == 0) {
                finish();
            }
        }

        private void finish() {
            Buf target = data;
            data = null;
            if (target != null) {
                if (!verify(target)) {
                    target.release();
                    resolve();
                    return;
                }
                if (reply != null) {
                    reply.data(target, 0, dataBlocks << Sizes.BLOCK_SHIFT);
                }
            }
            parts.counters.blocksRead += dataBlocks;
            fill();
            parts.counters.readLatency.record(parts.loop.nowNs() - sinceNs);
            end(0);
        }

        /// Checks all data; false where something failed and is to be looked up again.
        private boolean verify(Buf target) {
            Suspects found = null;
            for (int i = 0; i < blockCount; i++) {
                boolean unread = states[i] == BlockState.CORRUPT && batchOrPlace(i);
                if (states[i] != BlockState.DATA && !unread) {
                    continue;
                }
                int offset = dataAt[i] << Sizes.BLOCK_SHIFT;
                if (unread || crc.of(target, offset, Sizes.BLOCK_BYTES) != crcs[i]) {
                    if (found == null) {
                        found = suspects != null ? suspects : new Suspects(blockCount);
                    }
                    found.add(this, i);
                }
            }
            if (found == null) {
                return true;
            }
            suspects = found;
            return false;
        }

        /// Whether a CORRUPT block was to be read in this round (and could not).
        private boolean batchOrPlace(int i) {
            return suspects == null || !suspects.confirmed[i];
        }

        private void fill() {
            Frame frame = reply;
            if (frame == null) {
                return;
            }
            boolean withVersions = (frame.flags() & ReadRequest.VERSIONS) != 0;
            int corrupt = 0;
            int firstCorrupt = 0;
            for (int i = 0; i < blockCount; i++) {
                ReadReply.block(frame, i, states[i], crcs[i]);
                if (withVersions) {
                    ReadReply.blockVersion(frame, i, versions[i]);
                }
                if (states[i] == BlockState.CORRUPT && corrupt++ == 0) {
                    firstCorrupt = i;
                }
            }
            ReadReply.dataBlocks(frame, dataBlocks);
            if (corrupt > 0) {
                parts.counters.corruptBlocks += corrupt;
                tellCorrupt(firstCorrupt, corrupt);
            }
        }

        private void tellCorrupt(int i, int count) {
            Source source = sources[i];
            String place =
                    source != null
                            ? "journal"
                            : Segments.name(SpaceMap.segmentOf(places[i]))
                                    + "+"
                                    + ((long) SpaceMap.blockOf(places[i]) << Sizes.BLOCK_SHIFT);
            parts.events.event(
                    Events.Level.WARN,
                    "corrupt-block",
                    "volume="
                            + volumeId
                            + " chunk="
                            + chunkIndex
                            + " block="
                            + (firstBlock + i)
                            + " count="
                            + count
                            + " place="
                            + place);
        }

        private void end(int result) {
            IoDone told = done;
            reply = null;
            done = null;
            suspects = null;
            Arrays.fill(sources, 0, blockCount, null);
            if (spare.size() < 64) {
                spare.addLast(this);
            }
            if (told != null) {
                told.done(token, result);
            }
            parts.readEnded();
        }
    }

    private boolean isLost(long place) {
        return !parts.segments.space().isThere(SpaceMap.segmentOf(place), SpaceMap.blockOf(place));
    }

    /// Blocks that failed their checksum, with where they were read.
    private static final class Suspects {
        private final boolean[] bad;
        private final boolean[] confirmed;
        private final @Nullable Source[] sources;
        private final long[] places;
        private final int[] crcs;

        Suspects(int blockCount) {
            bad = new boolean[blockCount];
            confirmed = new boolean[blockCount];
            sources = new @Nullable Source[blockCount];
            places = new long[blockCount];
            crcs = new int[blockCount];
        }

        void add(Read read, int i) {
            bad[i] = true;
            sources[i] = read.sources[i];
            places[i] = read.places[i];
            crcs[i] = read.crcs[i];
        }

        /// Whether the block is still where it was read when it failed.
        boolean confirm(Read read, int i) {
            confirmed[i] =
                    bad[i]
                            && sources[i] == read.sources[i]
                            && places[i] == read.places[i]
                            && crcs[i] == read.crcs[i];
            return confirmed[i];
        }
    }
}
