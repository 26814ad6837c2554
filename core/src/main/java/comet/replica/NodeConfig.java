package comet.replica;

import comet.base.Check;

/// What an operator may set for the disks of a node.
///
/// @param ioDeadlineNs no answer of another disk within this time breaks the connection to it; a
///   note that its source has not reached by then, with its client gone, is dropped by a new epoch
/// @param creditWindowBytes what one client may have under way on one connection, at most
public record NodeConfig(long ioDeadlineNs, long creditWindowBytes, ScrubConfig scrub) {
    public NodeConfig {
        Check.that(ioDeadlineNs > 0, "I/O deadline", ioDeadlineNs, 0);
        Check.that(
                creditWindowBytes >= Limits.CREDIT_WINDOW_MIN
                        && creditWindowBytes <= Limits.CREDIT_WINDOW_MAX,
                "credit window",
                creditWindowBytes,
                0);
    }

    public static NodeConfig defaults() {
        return new NodeConfig(3_000_000_000L, Limits.CREDIT_WINDOW_MAX, ScrubConfig.defaults());
    }

    public NodeConfig withScrub(ScrubConfig other) {
        return new NodeConfig(ioDeadlineNs, creditWindowBytes, other);
    }
}
