/// The metadata group: its state machine ([comet.meta.Group]) on a replicated log. The log library
/// (Ratis) is seen by this package alone. Threads: the library's own, and callers; results come on
/// the library's threads, so whoever owns a loop hands them over.
@NullMarked
package comet.server.raft;

import org.jspecify.annotations.NullMarked;
