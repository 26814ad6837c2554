package comet.store;

import comet.base.Check;
import comet.base.Sizes;

/// Sizes and times of one disk. Those that shape what is on the disk ([#journalBytes]) count at
/// [Disk#format] only; the others may change from start to start.
///
/// @param journalBytes size of the ring with its header page; at least [#journalBytesMin]
/// @param recordBytesMax most data in one journal record (a write, a note): a multiple of 4 KiB, at
///   most 4 MiB. Requests may carry 4 MiB, so less is for tests and simulations of small rings
/// @param largeBytesMin a write with at least so much data goes straight to segments
/// @param pendingBytesMax data of the ring that is also kept in memory; what is beyond is read from
///   the ring again
/// @param segmentBytes size of a new segment; a multiple of 64 KiB, at most 1 GiB
/// @param capacityBytes limit on the sum of all segments; 0: what the file system has
/// @param reserveBytes of that, kept back from clients for repair, deletion and what was sent
///   before; as much is left free in the file system for the index
/// @param syncAfterNs a change waits at most this long for a sync that nobody asked for
/// @param idleAfterNs without changes for this long, what is pending moves to its place
/// @param pageCacheBytes index pages kept in memory
/// @param sliceBlocks a checkpoint moves about so many blocks, and a quarter as many index pages,
///   between two commits of the index: what one sync has to write, and memory for the new pages
/// @param nearFullPercent first level at which the disk warns of its fullness
/// @param fullPercent second level
public record StoreConfig(
        long journalBytes,
        int recordBytesMax,
        int largeBytesMin,
        long pendingBytesMax,
        long segmentBytes,
        long capacityBytes,
        long reserveBytes,
        long syncAfterNs,
        long idleAfterNs,
        long pageCacheBytes,
        int sliceBlocks,
        int nearFullPercent,
        int fullPercent) {

    /// Blocks in the largest segment: their numbers take 18 bits.
    static final long SEGMENT_BYTES_MAX = 1L << 30;

    public StoreConfig {
        Check.that(
                recordBytesMax >= Sizes.BLOCK_BYTES
                        && recordBytesMax <= Sizes.CHUNK_BYTES
                        && recordBytesMax % Sizes.BLOCK_BYTES == 0,
                "recordBytesMax",
                recordBytesMax,
                0);
        Check.that(
                journalBytes >= journalBytesMin(recordBytesMax)
                        && journalBytes % Sizes.BLOCK_BYTES == 0,
                "journalBytes",
                journalBytes,
                journalBytesMin(recordBytesMax));
        Check.that(
                segmentBytes >= SpaceMap.SEGMENT_UNIT_BYTES
                        && segmentBytes <= SEGMENT_BYTES_MAX
                        && segmentBytes % SpaceMap.SEGMENT_UNIT_BYTES == 0,
                "segmentBytes",
                segmentBytes,
                0);
        Check.that(capacityBytes >= 0 && reserveBytes >= 0, "capacity", capacityBytes, 0);
        Check.that(sliceBlocks > 0, "sliceBlocks", sliceBlocks, 0);
        Check.that(nearFullPercent <= fullPercent, "levels", nearFullPercent, fullPercent);
    }

    public static StoreConfig defaults() {
        return new StoreConfig(
                1L << 30,
                Sizes.CHUNK_BYTES,
                64 << 10,
                256L << 20,
                1L << 30,
                0,
                64L << 20,
                50_000_000L,
                1_000_000_000L,
                64L << 20,
                8192,
                85,
                95);
    }

    /// For tests and simulations: records up to 64 KiB, a ring and segments of 1 MiB, checkpoints
    /// in many slices; every write goes through the journal.
    public static StoreConfig small() {
        return new StoreConfig(
                1L << 20,
                64 << 10,
                Integer.MAX_VALUE,
                1 << 20,
                1L << 20,
                0,
                64 << 10,
                50_000_000L,
                1_000_000_000L,
                64 << 10,
                32,
                85,
                95);
    }

    public StoreConfig withJournal(long journalBytes, int recordBytesMax) {
        Draft draft = new Draft(this);
        draft.journalBytes = journalBytes;
        draft.recordBytesMax = recordBytesMax;
        return draft.done();
    }

    /// @param largeBytesMin see there
    public StoreConfig withLarge(int largeBytesMin) {
        Draft draft = new Draft(this);
        draft.largeBytesMin = largeBytesMin;
        return draft.done();
    }

    public StoreConfig withSpace(long segmentBytes, long capacityBytes, long reserveBytes) {
        Draft draft = new Draft(this);
        draft.segmentBytes = segmentBytes;
        draft.capacityBytes = capacityBytes;
        draft.reserveBytes = reserveBytes;
        return draft.done();
    }

    public StoreConfig withMemory(long pendingBytesMax, long pageCacheBytes) {
        Draft draft = new Draft(this);
        draft.pendingBytesMax = pendingBytesMax;
        draft.pageCacheBytes = pageCacheBytes;
        return draft.done();
    }

    /// A copy that is being changed.
    private static final class Draft {
        long journalBytes;
        int recordBytesMax;
        int largeBytesMin;
        long pendingBytesMax;
        long segmentBytes;
        long capacityBytes;
        long reserveBytes;
        long syncAfterNs;
        long idleAfterNs;
        long pageCacheBytes;
        int sliceBlocks;
        int nearFullPercent;
        int fullPercent;

        Draft(StoreConfig from) {
            journalBytes = from.journalBytes;
            recordBytesMax = from.recordBytesMax;
            largeBytesMin = from.largeBytesMin;
            pendingBytesMax = from.pendingBytesMax;
            segmentBytes = from.segmentBytes;
            capacityBytes = from.capacityBytes;
            reserveBytes = from.reserveBytes;
            syncAfterNs = from.syncAfterNs;
            idleAfterNs = from.idleAfterNs;
            pageCacheBytes = from.pageCacheBytes;
            sliceBlocks = from.sliceBlocks;
            nearFullPercent = from.nearFullPercent;
            fullPercent = from.fullPercent;
        }

        StoreConfig done() {
            return new StoreConfig(
                    journalBytes,
                    recordBytesMax,
                    largeBytesMin,
                    pendingBytesMax,
                    segmentBytes,
                    capacityBytes,
                    reserveBytes,
                    syncAfterNs,
                    idleAfterNs,
                    pageCacheBytes,
                    sliceBlocks,
                    nearFullPercent,
                    fullPercent);
        }
    }

    /// Smallest ring for records of that size. The checkpoint starts at half of the ring and takes
    /// everything; while it runs, a few of the largest batches must fit into the other half.
    public static long journalBytesMin(int recordBytesMax) {
        return Sizes.BLOCK_BYTES + 6L * (recordBytesMax + JournalBatch.HEAD_BYTES_MAX);
    }

    /// Most bytes that one batch takes in the ring.
    int batchBytesMax() {
        return recordBytesMax + JournalBatch.HEAD_BYTES_MAX;
    }
}
