@NullMarked
package comet.io.net;

import org.jspecify.annotations.NullMarked;
