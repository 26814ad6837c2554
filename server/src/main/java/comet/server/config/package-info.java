/// Config files.
@NullMarked
package comet.server.config;

import org.jspecify.annotations.NullMarked;
