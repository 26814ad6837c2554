/// The server's side of replication: one disk's replicas. A [comet.replica.NodeServer] takes
/// connections and hands them, by the disk and the lane that their HELLO names, to a [
/// comet.replica.DiskServer], which owns everything that is decided about one disk; one class per
/// verb does the deciding.
///
/// Owner thread: the disk's loop. Bounds: [comet.replica.Limits].
@NullMarked
@Deterministic
package comet.replica;

import comet.base.Deterministic;
import org.jspecify.annotations.NullMarked;
