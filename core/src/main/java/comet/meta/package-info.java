/// The metadata group's state machine: decide and replay.
@NullMarked
@Deterministic
package comet.meta;

import comet.base.Deterministic;
import org.jspecify.annotations.NullMarked;
