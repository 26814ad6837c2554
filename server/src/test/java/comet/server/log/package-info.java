@NullMarked
package comet.server.log;

import org.jspecify.annotations.NullMarked;
