package comet.cli;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// `--wait` and `--timeout`, of commands that begin what takes long. What is waited for stands in
/// the command's own description.
final class WaitOptions {
    @Option(names = "--wait", description = "Wait until it is done.")
    boolean wanted;

    @Option(
            names = "--timeout",
            paramLabel = "SECONDS",
            description =
                    "With --wait: for so long at most; exit status 1 where that was not enough."
                            + " Default: for ever.")
    @Nullable Integer timeout;

    /// To be called before anything is begun, since it may find wrong usage.
    Deadline deadline(AdminCommand command) {
        if (timeout != null && !wanted) {
            throw command.usage("--timeout says how long to wait: it goes with --wait");
        }
        if (timeout != null && timeout < 0) {
            throw command.usage("--timeout is a number of seconds from 0 on, not " + timeout);
        }
        return Deadline.after(timeout);
    }

    /// Between two looks.
    static void pause(long ms) {
        try {
            Thread.sleep(ms);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }
}
