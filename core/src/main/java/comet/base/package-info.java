/// Ids, checks, buffers and other small things that everything stands on.
@NullMarked
@Deterministic
package comet.base;

import org.jspecify.annotations.NullMarked;
