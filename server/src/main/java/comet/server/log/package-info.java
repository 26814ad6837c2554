/// One-line logs on standard error.
@NullMarked
package comet.server.log;

import org.jspecify.annotations.NullMarked;
