package comet.sim;

import comet.base.Prng;
import comet.port.WallClock;

/// The time of day of one process in a simulation: each second it jumps by up to six weeks, back or
/// forth. Whoever decided anything by it would be wrong in each run.
final class SkewedClock implements WallClock {
    private static final long SECOND_NS = 1_000_000_000;
    private static final long START_MS = 1_700_000_000_000L;
    private static final long SKEW_MS_MAX = 1000L * 3600 * 1000;

    private final Simulation simulation;
    private final long own;

    SkewedClock(Simulation simulation, String process) {
        this.simulation = simulation;
        own = Prng.mix(process.hashCode());
    }

    @Override
    public long nowMs() {
        long nowNs = simulation.nowNs();
        long skewMs = Prng.mix(own ^ nowNs / SECOND_NS) % SKEW_MS_MAX;
        return START_MS + skewMs + nowNs / 1_000_000;
    }
}
