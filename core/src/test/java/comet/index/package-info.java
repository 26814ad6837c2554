@NullMarked
package comet.index;

import org.jspecify.annotations.NullMarked;
