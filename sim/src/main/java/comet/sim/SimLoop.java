package comet.sim;

import comet.port.Loop;
import comet.sim.Simulation.Event;
import comet.sim.Simulation.Life;

/// The loop of one life of a process. Its clock starts anywhere, as monotonic clocks do; timers run
/// on time or a little late, and die with the process.
final class SimLoop implements Loop {
    private final Simulation simulation;
    private final Life life;
    private final long clockOffsetNs;
    private final comet.base.Prng prng;

    SimLoop(Simulation simulation, Life life) {
        this.simulation = simulation;
        this.life = life;
        prng = simulation.fork();
        clockOffsetNs = prng.nextLong(1L << 50);
    }

    @Override
    public long nowNs() {
        return simulation.nowNs() + clockOffsetNs;
    }

    @Override
    public void execute(Runnable work) {
        simulation.in(0, life, work);
    }

    @Override
    public Timer schedule(long delayNs, Runnable work) {
        long lateNs = prng.nextLong(50_000);
        Event event = simulation.in(Math.max(0, delayNs) + lateNs, life, work);
        return event::cancel;
    }
}
