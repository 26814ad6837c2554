/// The server's side of replication: one disk's replicas. Owner thread: the disk's loop.
@NullMarked
@Deterministic
package comet.replica;

import comet.base.Deterministic;
import org.jspecify.annotations.NullMarked;
