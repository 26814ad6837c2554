package comet.server.control;

import comet.cluster.Command;
import comet.meta.Submission;
import java.security.SecureRandom;
import java.util.concurrent.atomic.AtomicLong;

/// Names one life of a process to the group, and numbers what it submits. All clients of a process
/// share one: what one of them has registered, a gateway or a disk, the others may act for.
public final class Origin {
    /// Never 0.
    private final long id = new SecureRandom().nextLong() | 1;

    private final AtomicLong submitted = new AtomicLong();

    Submission submission(Command command) {
        return new Submission(id, submitted.incrementAndGet(), command);
    }
}
