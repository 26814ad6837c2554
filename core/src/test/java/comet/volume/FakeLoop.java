package comet.volume;

import comet.port.Loop;
import java.util.ArrayDeque;
import java.util.PriorityQueue;

/// Virtual time: events in order of (time, sequence).
final class FakeLoop implements Loop {
    private final class Event implements Timer {
        final long atNs;
        final long sequence;
        final Runnable work;
        boolean cancelled;

        Event(long atNs, long sequence, Runnable work) {
            this.atNs = atNs;
            this.sequence = sequence;
            this.work = work;
        }

        @Override
        public void cancel() {
            cancelled = true;
        }
    }

    private final PriorityQueue<Event> events =
            new PriorityQueue<>((a, b) ->
                    a.atNs != b.atNs
                            ? Long.compare(a.atNs, b.atNs)
                            : Long.compare(a.sequence, b.sequence));
    private final ArrayDeque<Runnable> now = new ArrayDeque<>();
    private long nowNs = 1;
    private long sequence;

    @Override
    public long nowNs() {
        return nowNs;
    }

    @Override
    public void execute(Runnable work) {
        now.addLast(work);
    }

    @Override
    public Timer schedule(long delayNs, Runnable work) {
        Event event = new Event(nowNs + delayNs, sequence++, work);
        events.add(event);
        return event;
    }

    /// Does one step. False where nothing is left.
    boolean step() {
        Runnable work = now.pollFirst();
        if (work != null) {
            work.run();
            return true;
        }
        Event event = events.poll();
        if (event == null) {
            return false;
        }
        nowNs = Math.max(nowNs, event.atNs);
        if (!event.cancelled) {
            event.work.run();
        }
        return true;
    }

    void runFor(long ns) {
        long until = nowNs + ns;
        while (!now.isEmpty() || !events.isEmpty() && events.peek().atNs <= until) {
            step();
        }
        nowNs = until;
    }

    /// Runs until the condition holds; fails after `seconds` of virtual time.
    void runUntil(java.util.function.BooleanSupplier condition, int seconds) {
        long until = nowNs + seconds * 1_000_000_000L;
        while (!condition.getAsBoolean()) {
            if (nowNs > until || !step()) {
                throw new AssertionError("still waiting after " + seconds + " s");
            }
        }
    }
}
