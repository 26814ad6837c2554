@NullMarked
package comet.io.loop;

import org.jspecify.annotations.NullMarked;
