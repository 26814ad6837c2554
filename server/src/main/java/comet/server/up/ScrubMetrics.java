package comet.server.up;

import comet.base.Sizes;
import comet.replica.ReplicaCounters;
import comet.server.admin.Metrics;

/// What scrubs of a disk have met since its process was started.
final class ScrubMetrics {
    private ScrubMetrics() {}

    static void sample(Metrics.Sink sink, String labels, ReplicaCounters counters) {
        sink.counter(
                "comet_disk_scrubbed_bytes_total",
                "Data read by scrubs.",
                labels,
                counters.scrubbedBlocks * Sizes.BLOCK_BYTES);
        sink.counter(
                "comet_disk_scrub_errors_total",
                "Blocks that scrubs could not read or that failed their checksum.",
                labels,
                counters.scrubErrors);
        sink.counter(
                "comet_disk_scrub_repaired_total",
                "Blocks that scrubs found bad and that were whole afterwards.",
                labels,
                counters.scrubRepaired);
        sink.counter(
                "comet_disk_scrub_differences_total",
                "Chunks of closed volumes that scrubs found older than another replica's.",
                labels,
                counters.scrubDifferences);
        sink.counter(
                "comet_disk_scrub_levelled_total",
                "Chunks that scrubs made equal to another replica's.",
                labels,
                counters.scrubLevelled);
        sink.counter(
                "comet_disk_scrub_conflicts_total",
                "Chunks with the version of another replica and other content: a bug.",
                labels,
                counters.scrubConflicts);
        sink.counter(
                "comet_disk_scrub_laps_total",
                "Times that all of the disk was scrubbed.",
                labels,
                counters.scrubLaps);
    }
}
