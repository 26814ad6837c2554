@NullMarked
package comet.io.index;

import org.jspecify.annotations.NullMarked;
