package comet.meta;

import comet.cluster.Command;

/// A command with the name of its asking, so that one that is sent again is decided once.
///
/// @param origin names one life of the asking process: drawn at random when it starts, never 0
/// @param sequence counts its commands; a command that is sent again keeps its number
public record Submission(long origin, long sequence, Command command) {}
