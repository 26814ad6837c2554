package comet.replica;

import comet.base.LatencyHistogram;

/// What one disk's replicas have done since start, for metrics. Written by the disk's loop; a
/// reader on another thread sees a slightly old state.
public final class ReplicaCounters {
    /// Writes applied, and their data.
    public long writes;

    public long writeBytes;

    /// Writes that were already there.
    public long repeats;

    /// Writes answered NOTED.
    public long notes;

    /// Reads answered with blocks, and their data; clients and other replicas alike.
    public long reads;

    public long readBytes;

    public long syncs;
    public long opens;

    /// Chunks and bytes copied from other replicas, by recovery and levelling.
    public long chunksCopied;

    public long bytesCopied;

    /// Chunks dropped because the source or the cluster no longer has them.
    public long chunksDropped;

    /// Chunks made equal for a client that opened the volume.
    public long levels;

    /// Blocks found bad, and blocks repaired from another replica.
    public long blocksCorrupt;

    public long blocksRepaired;

    /// What scrubs have met, as [comet.cluster.ScrubCounts] tells one by one; and the laps over all
    /// that the disk has.
    public long scrubbedBlocks;

    public long scrubErrors;
    public long scrubRepaired;
    public long scrubDifferences;
    public long scrubLevelled;
    public long scrubConflicts;
    public long scrubLaps;

    /// Placement groups that became IN_SYNC here.
    public long promotions;

    /// Connections ended because the peer broke the protocol.
    public long invalid;

    /// From the arrival of a READ to its answer.
    public final LatencyHistogram readNs = new LatencyHistogram();

    /// From the arrival of a SYNC to its answer.
    public final LatencyHistogram syncNs = new LatencyHistogram();

    /// From the arrival of a WRITE with DURABLE to its answer.
    public final LatencyHistogram durableWriteNs = new LatencyHistogram();

    void wrote(int bytes) {
        writes++;
        writeBytes += bytes;
    }

    void read(int bytes, long durationNs) {
        reads++;
        readBytes += bytes;
        readNs.record(durationNs);
    }
}
