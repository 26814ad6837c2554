package comet.sim;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/// A guest notices the loss of a node as one pause, whose length is bounded.
class AwayTest {
    private static final int RUNS = 40;
    private static final int SEEDS_MAX = 400;

    /// Silence after which a node is left behind, and a second for finding that out, deciding it,
    /// and opening anew.
    private static final long PAUSE_NS_MAX = comet.meta.Heartbeats.TIMEOUT_NS + 1_000_000_000L;

    @Test
    void guests_pause_once_and_go_on_without_a_node() {
        int runs = 0;
        long longestNs = 0;
        for (long seed = 1; seed <= SEEDS_MAX && runs < RUNS; seed++) {
            Options options = Options.of(seed).onceAway();
            Run.Outcome outcome = Run.of(seed, options, Canary.NONE, Trace.off());
            assertThat(outcome.failure()).isNull();
            if (outcome.faults() != 1 || !outcome.eventCounts().containsKey("PROBE left-behind")) {
                continue;
            }
            runs++;
            longestNs = Math.max(longestNs, outcome.longestNs());
            assertThat(outcome.longestNs()).as("seed " + seed).isLessThan(PAUSE_NS_MAX);
        }
        assertThat(runs).isEqualTo(RUNS);
        System.out.println("longest pause " + longestNs / 1_000_000 + " ms");
    }
}
