/// The admin API and metrics.
@NullMarked
package comet.server.admin;

import org.jspecify.annotations.NullMarked;
