/// The client's side of replication: one owner of a volume's state. Owner thread: the gateway's
/// loop.
@NullMarked
@Deterministic
package comet.volume;

import comet.base.Deterministic;
import org.jspecify.annotations.NullMarked;
