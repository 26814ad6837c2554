/// A disk's index on files of our own: a copy-on-write tree in pages of 4 KiB ([FlatIndex]). Owner
/// thread: the disk's loop. Everything but the values lies in memory, too.
@NullMarked
@Deterministic
package comet.index;

import comet.base.Deterministic;
import org.jspecify.annotations.NullMarked;
