package comet.store;

import comet.base.LatencyHistogram;

/// What one disk has done since it was opened, for metrics. Written by the disk's loop; a reader on
/// another thread sees a slightly old state.
public final class StoreCounters {
    /// Bytes written to the device, by kind.
    public long journalBytesWritten;

    public long segmentBytesWritten;
    public long indexBytesWritten;

    /// Writes whose data went straight to segments.
    public long largeWrites;

    public long journalBatches;
    public long journalSyncs;
    public long segmentSyncs;
    public long records;
    public long checkpoints;
    public long checkpointBlocks;

    /// Blocks written over their old place, and blocks given a new one.
    public long blocksInPlace;

    public long blocksMoved;

    public long blocksRead;

    /// Blocks answered from memory, before they reached their place.
    public long blocksReadPending;

    /// Blocks that had left memory and were read from the ring.
    public long blocksReadRing;

    public long pageHits;
    public long pageMisses;

    /// Blocks that failed their checksum or could not be read.
    public long corruptBlocks;

    /// Blocks answered as lost: their segment is missing, or they were copied as lost.
    public long lostBlocks;

    public final LatencyHistogram readLatency = new LatencyHistogram();

    /// One write of a batch to the ring.
    public final LatencyHistogram journalWriteLatency = new LatencyHistogram();

    /// From the wish for durability to its fulfilment.
    public final LatencyHistogram syncLatency = new LatencyHistogram();

    public final LatencyHistogram checkpointLatency = new LatencyHistogram();
}
