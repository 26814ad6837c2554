/// The simulator.
@NullMarked
package comet.sim;

import org.jspecify.annotations.NullMarked;
