package comet.replica;

import comet.port.Loop;
import java.util.PriorityQueue;

/// A loop whose time stands still until a test moves it. Work runs in the order of (time, turn).
final class TestLoop implements Loop {
    private static final class Work implements Timer, Comparable<Work> {
        private final long atNs;
        private final long turn;
        private Runnable work;

        Work(long atNs, long turn, Runnable work) {
            this.atNs = atNs;
            this.turn = turn;
            this.work = work;
        }

        @Override
        public void cancel() {
            work = () -> {};
        }

        @Override
        public int compareTo(Work other) {
            int order = Long.compare(atNs, other.atNs);
            return order != 0 ? order : Long.compare(turn, other.turn);
        }
    }

    private final PriorityQueue<Work> queue = new PriorityQueue<>();
    private long nowNs = 1_000_000_000L;
    private long turns;

    @Override
    public long nowNs() {
        return nowNs;
    }

    @Override
    public void execute(Runnable work) {
        queue.add(new Work(nowNs, turns++, work));
    }

    @Override
    public Timer schedule(long delayNs, Runnable work) {
        Work added = new Work(nowNs + delayNs, turns++, work);
        queue.add(added);
        return added;
    }

    /// Runs everything that is due, and what follows from it, without letting time pass.
    void run() {
        step(nowNs);
    }

    /// Lets time pass, running what falls due on the way.
    void advance(long ns) {
        step(nowNs + ns);
    }

    void advanceMs(long ms) {
        advance(ms * 1_000_000);
    }

    private void step(long untilNs) {
        long steps = 0;
        while (!queue.isEmpty() && queue.element().atNs <= untilNs) {
            Work next = queue.remove();
            nowNs = Math.max(nowNs, next.atNs);
            next.work.run();
            if (++steps > 5_000_000) {
                throw new AssertionError("the loop does not come to rest");
            }
        }
        nowNs = untilNs;
    }
}
