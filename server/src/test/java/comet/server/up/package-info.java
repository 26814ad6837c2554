@NullMarked
package comet.server.up;

import org.jspecify.annotations.NullMarked;
