/// Config files: a record per role, every key declared once in [comet.server.config.Keys] and
/// checked before anything starts.
@NullMarked
package comet.server.config;

import org.jspecify.annotations.NullMarked;
