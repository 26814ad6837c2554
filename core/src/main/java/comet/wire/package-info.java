/// Frames and messages between gateway, nodes and the metadata group. One class per message;
/// layouts are little-endian.
@NullMarked
@Deterministic
package comet.wire;

import comet.base.Deterministic;
import org.jspecify.annotations.NullMarked;
