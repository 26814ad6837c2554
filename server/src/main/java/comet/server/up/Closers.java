package comet.server.up;

import java.util.ArrayDeque;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// What a process has started, to be ended in the opposite order, whenever that is: also while it
/// is still starting. One that fails to end does not keep the others from it.
final class Closers {
    private static final Logger LOG = LoggerFactory.getLogger(Closers.class);

    private final ArrayDeque<Step> steps = new ArrayDeque<>();
    private boolean closed;

    /// One thing's end.
    interface Ending {
        void end() throws Exception;
    }

    private record Step(String name, Ending ending) {}

    void add(String name, Ending ending) {
        synchronized (this) {
            if (!closed) {
                steps.push(new Step(name, ending));
                return;
            }
        }
        end(new Step(name, ending));
    }

    void close() {
        while (true) {
            Step step;
            synchronized (this) {
                closed = true;
                step = steps.poll();
            }
            if (step == null) {
                return;
            }
            end(step);
        }
    }

    private static void end(Step step) {
        try {
            step.ending.end();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (Exception e) {
            LOG.error("event=stop-failed part={}", step.name, e);
        }
    }
}
