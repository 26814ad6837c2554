/// The command line.
@NullMarked
package comet.cli;

import org.jspecify.annotations.NullMarked;
