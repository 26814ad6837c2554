/// The metadata group's state machine, without the group: [comet.meta.Group] decides on commands
/// and replays what was decided. Owner thread: whoever applies the log. Bounds:
/// [comet.meta.Limits].
@NullMarked
@Deterministic
package comet.meta;

import comet.base.Deterministic;
import org.jspecify.annotations.NullMarked;
