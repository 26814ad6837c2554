/// One disk: journal, segments, block index, checkpoint, replay. Owner thread: the disk's loop.
@NullMarked
@Deterministic
package comet.store;

import comet.base.Deterministic;
import org.jspecify.annotations.NullMarked;
