package comet.replica;

import comet.base.Sizes;
import comet.cluster.ScrubCounts;
import comet.cluster.ScrubReport;
import java.util.List;
import java.util.TreeSet;

/// Counts what one scrub meets, and the disk's counters along with it.
final class ScrubTally {
    private final ReplicaCounters counters;
    private final TreeSet<Integer> badPgs = new TreeSet<>();
    private long chunks;
    private long blocks;
    private long errors;
    private long repaired;
    private long differences;
    private long levelled;
    private long conflicts;
    private long uncompared;

    ScrubTally(ReplicaCounters counters) {
        this.counters = counters;
    }

    void chunk() {
        chunks++;
    }

    void read(int count) {
        blocks += count;
        counters.scrubbedBlocks += count;
    }

    void error() {
        errors++;
        counters.scrubErrors++;
    }

    void repaired() {
        repaired++;
        counters.scrubRepaired++;
    }

    void difference() {
        differences++;
        counters.scrubDifferences++;
    }

    void levelled() {
        levelled++;
        counters.scrubLevelled++;
    }

    void conflict() {
        conflicts++;
        counters.scrubConflicts++;
    }

    void uncompared() {
        uncompared++;
    }

    /// Something of this placement group was not put right.
    void bad(int pg) {
        if (badPgs.size() < ScrubReport.BAD_PGS_MAX) {
            badPgs.add(pg);
        }
    }

    List<Integer> badPgs() {
        return List.copyOf(badPgs);
    }

    ScrubCounts counts() {
        return new ScrubCounts(
                chunks,
                blocks * Sizes.BLOCK_BYTES,
                errors,
                repaired,
                differences,
                levelled,
                conflicts,
                uncompared);
    }

    /// As an event tells it.
    @Override
    public String toString() {
        return "chunks="
                + chunks
                + " bytes="
                + blocks * Sizes.BLOCK_BYTES
                + " errors="
                + errors
                + " repaired="
                + repaired
                + " differences="
                + differences
                + " levelled="
                + levelled
                + " conflicts="
                + conflicts
                + " uncompared="
                + uncompared;
    }
}
