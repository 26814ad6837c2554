/// The NBD front end.
@NullMarked
package comet.server.nbd;

import org.jspecify.annotations.NullMarked;
