package comet.sim;

import comet.base.Check;
import comet.base.Prng;
import java.util.PriorityQueue;
import org.jspecify.annotations.Nullable;

/// The world's clock and its queue of what happens next, ordered by (time, sequence). Everything
/// that runs in a simulation runs as one of its events, one after the other, so a seed gives the
/// same run each time.
public final class Simulation {
    /// One life of a process: from its start to its death. What was planned for a life that is over
    /// does not happen.
    static final class Life {
        private boolean over;
        private long pausedUntilNs;

        boolean over() {
            return over;
        }

        void end() {
            over = true;
        }

        /// The process does nothing until then (a stopped virtual machine, a long collection).
        boolean paused(long nowNs) {
            return pausedUntilNs > nowNs;
        }

        void pauseUntil(long ns) {
            pausedUntilNs = Math.max(pausedUntilNs, ns);
        }
    }

    /// Something that happens once, unless called off.
    static final class Event {
        private long atNs;
        private final long sequence;
        private final @Nullable Life life;
        private @Nullable Runnable work;

        Event(long atNs, long sequence, @Nullable Life life, Runnable work) {
            this.atNs = atNs;
            this.sequence = sequence;
            this.life = life;
            this.work = work;
        }

        void cancel() {
            work = null;
        }
    }

    private final PriorityQueue<Event> queue =
            new PriorityQueue<>(
                    256,
                    (a, b) ->
                            a.atNs != b.atNs
                                    ? Long.compare(a.atNs, b.atNs)
                                    : Long.compare(a.sequence, b.sequence));
    private final Prng prng;
    private final Trace trace;
    private long nowNs;
    private long sequence;
    private long hash;
    private long eventCount;

    Simulation(long seed, Trace trace) {
        prng = new Prng(Prng.mix(seed));
        this.trace = trace;
    }

    long nowNs() {
        return nowNs;
    }

    /// A generator of its own for one part of the world.
    Prng fork() {
        return prng.fork();
    }

    /// Events that have happened.
    long eventCount() {
        return eventCount;
    }

    /// Depends on everything that was noted with [#note] and on the time and order of every event.
    long hash() {
        return hash;
    }

    /// Mixes a fact into the hash of the run.
    void note(long fact) {
        hash = Prng.mix(hash ^ fact);
    }

    Trace trace() {
        return trace;
    }

    void trace(String who, String what) {
        if (trace.on()) {
            trace.line(nowNs, who, what);
        }
    }

    Event in(long delayNs, @Nullable Life life, Runnable work) {
        Check.that(delayNs >= 0, "delay", delayNs, 0);
        Event event = new Event(nowNs + delayNs, sequence++, life, work);
        queue.add(event);
        return event;
    }

    /// For the world itself: faults, observers.
    Event in(long delayNs, Runnable work) {
        return in(delayNs, null, work);
    }

    /// Lets the next event happen.
    ///
    /// @return false where nothing is left to happen
    boolean step() {
        for (; ; ) {
            Event event = queue.poll();
            if (event == null) {
                return false;
            }
            Runnable work = event.work;
            Life life = event.life;
            if (work == null || (life != null && life.over)) {
                continue;
            }
            if (life != null && life.pausedUntilNs > event.atNs) {
                event.atNs = life.pausedUntilNs;
                queue.add(event);
                continue;
            }
            Check.that(event.atNs >= nowNs, "time goes backwards", event.atNs, nowNs);
            nowNs = event.atNs;
            hash = Prng.mix(hash ^ event.atNs) + event.sequence;
            eventCount++;
            event.work = null;
            work.run();
            return true;
        }
    }
}
