/// The event loop that owns cores.
@NullMarked
package comet.io.loop;

import org.jspecify.annotations.NullMarked;
