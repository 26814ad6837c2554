package comet.store.fake;

import comet.base.Check;
import comet.port.Loop;
import java.util.PriorityQueue;
import java.util.function.BooleanSupplier;

/// A loop in virtual time: tasks run in order of (time, order of scheduling).
public final class TestLoop implements Loop {
    private static final class Task implements Timer, Comparable<Task> {
        private final long atNs;
        private final long number;
        private final Runnable work;
        private boolean cancelled;

        Task(long atNs, long number, Runnable work) {
            this.atNs = atNs;
            this.number = number;
            this.work = work;
        }

        @Override
        public void cancel() {
            cancelled = true;
        }

        @Override
        public int compareTo(Task other) {
            int byTime = Long.compare(atNs, other.atNs);
            return byTime != 0 ? byTime : Long.compare(number, other.number);
        }
    }

    private final PriorityQueue<Task> tasks = new PriorityQueue<>();
    private long nowNs = 1;
    private long number;
    private boolean dead;

    @Override
    public long nowNs() {
        return nowNs;
    }

    @Override
    public void execute(Runnable work) {
        schedule(0, work);
    }

    @Override
    public Timer schedule(long delayNs, Runnable work) {
        Task task = new Task(nowNs + Math.max(0, delayNs), number++, work);
        tasks.add(task);
        return task;
    }

    /// Runs one task; false where there is none, or the loop is dead.
    public boolean step() {
        while (!dead) {
            Task task = tasks.poll();
            if (task == null) {
                return false;
            }
            if (!task.cancelled) {
                nowNs = Math.max(nowNs, task.atNs);
                task.work.run();
                return true;
            }
        }
        return false;
    }

    /// Runs until the condition holds; false where nothing is left to do before.
    public boolean runUntil(BooleanSupplier condition) {
        for (int steps = 0; !condition.getAsBoolean(); steps++) {
            Check.that(steps < 3_000_000, "the loop runs for ever");
            if (!step()) {
                return condition.getAsBoolean();
            }
        }
        return true;
    }

    public void runFor(long ns) {
        boolean[] over = new boolean[1];
        schedule(ns, () -> over[0] = true);
        runUntil(() -> over[0]);
    }

    /// The machine stops: nothing runs any more.
    public void kill() {
        dead = true;
        tasks.clear();
    }

    public boolean isDead() {
        return dead;
    }
}
