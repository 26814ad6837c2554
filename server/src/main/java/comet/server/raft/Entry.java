package comet.server.raft;

import comet.meta.Facts;
import comet.meta.Submission;
import java.util.List;

/// One entry of the log: commands, and what the leader that took them knew of who is alive. Every
/// member decides on it for itself, and alike.
///
/// @param batch names the entry for the process that made it; no part of the decision
/// @param maker names that process
record Entry(long maker, long batch, Facts facts, List<Submission> submissions) {
    Entry {
        submissions = List.copyOf(submissions);
    }
}
