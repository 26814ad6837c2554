/// One checker per guarantee. They know histories and frames, not the simulator; each has a test
/// that feeds it a bad history and a canary that it must catch.
@NullMarked
package comet.sim.check;

import org.jspecify.annotations.NullMarked;
