package comet.server.admin;

import static org.assertj.core.api.Assertions.assertThat;

import comet.base.LatencyHistogram;
import org.junit.jupiter.api.Test;

/// What is written is what Prometheus reads.
class MetricsTest {
    private static final double[] VALUES = {
        0, 1, 0.00005, 1.5e-9, 12_345_678_901.5, 3e18, 1e-10, 123_456_789.123
    };

    @Test
    void numbers_keep_their_value() {
        for (double value : VALUES) {
            Metrics.Sink sink = new Metrics.Sink();
            sink.gauge("some_value", "A value.", "", value);
            assertThat(PrometheusText.parse(sink.text()).samples.getFirst().value())
                    .isEqualTo(value);
        }
    }

    @Test
    void histograms_and_strange_labels_are_read_back() {
        LatencyHistogram latency = new LatencyHistogram();
        for (long ns = 1; ns < 100_000_000_000L; ns *= 3) {
            latency.record(ns);
        }
        Metrics.Sink sink = new Metrics.Sink();
        String labels = Metrics.labels("volume", "a\\b\"c\nd}", "operation", "read");
        sink.histogram("some_seconds", "Times.", labels, latency);
        PrometheusText read = PrometheusText.parse(sink.text());
        assertThat(read.types).containsEntry("some_seconds", "histogram");
        assertThat(read.samples.getFirst().labels())
                .containsEntry("volume", "a\\\\b\\\"c\\nd}")
                .containsEntry("le", "0.00005");
    }

    @Test
    void samples_of_another_process_join_their_families() {
        Metrics.Sink one = new Metrics.Sink();
        one.counter("things_total", "Things.", Metrics.labels("process", "a"), 1);
        one.gauge("level", "A level.", Metrics.labels("process", "a"), 1);
        Metrics.Sink two = new Metrics.Sink();
        two.counter("things_total", "Things.", Metrics.labels("process", "b"), 2);
        two.gauge("level", "A level.", Metrics.labels("process", "b"), 2);
        two.merge(one.text());
        assertThat(PrometheusText.parse(two.text()).samples).hasSize(4);
    }
}
