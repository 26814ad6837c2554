@NullMarked
package comet.io.testing;

import org.jspecify.annotations.NullMarked;
