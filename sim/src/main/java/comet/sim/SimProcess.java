package comet.sim;

import comet.base.BufPool;
import comet.base.Crc;
import comet.port.Events;
import comet.sim.Simulation.Life;
import comet.wire.FramePool;

/// One life of a process: what a core is given, and what dies with it.
final class SimProcess {
    private final Simulation simulation;
    private final String name;
    private final Life life = new Life();
    private final SimLoop loop;
    private final FramePool frames = new FramePool();
    private final BufPool bufs;
    private final Crc crc = new Crc();

    SimProcess(Simulation simulation, String name, BufPool bufs) {
        this.simulation = simulation;
        this.name = name;
        this.bufs = bufs;
        loop = new SimLoop(simulation, life);
    }

    Simulation simulation() {
        return simulation;
    }

    String name() {
        return name;
    }

    Life life() {
        return life;
    }

    boolean alive() {
        return !life.over();
    }

    SimLoop loop() {
        return loop;
    }

    FramePool frames() {
        return frames;
    }

    BufPool bufs() {
        return bufs;
    }

    Crc crc() {
        return crc;
    }

    /// Events of this process, told to the run's `sink` with its name.
    Events events(EventSink sink) {
        return (level, code, details) -> {
            simulation.note(code.hashCode() * 31L + details.hashCode());
            simulation.trace(name, level + " " + code + " " + details);
            sink.event(name, level, code, details);
        };
    }

    /// Collects the events of all processes.
    interface EventSink {
        void event(String process, Events.Level level, String code, String details);
    }
}
