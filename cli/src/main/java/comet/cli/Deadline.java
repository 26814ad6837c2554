package comet.cli;

import org.jspecify.annotations.Nullable;

/// Until when a command waits. Not by the time of day, which is set now and then.
record Deadline(boolean never, long endNs) {
    /// @param seconds null: for ever
    static Deadline after(@Nullable Integer seconds) {
        return seconds == null
                ? new Deadline(true, 0)
                : new Deadline(false, System.nanoTime() + seconds * 1_000_000_000L);
    }

    boolean over() {
        return !never && System.nanoTime() - endNs > 0;
    }
}
