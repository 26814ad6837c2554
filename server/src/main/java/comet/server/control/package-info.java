/// Frames between processes and the metadata group.
@NullMarked
package comet.server.control;

import org.jspecify.annotations.NullMarked;
