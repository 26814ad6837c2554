/// What a core asks of the world: time, files, connections, the index, the metadata group.
/// Implemented by io, server and sim.
@NullMarked
@Deterministic
package comet.port;

import comet.base.Deterministic;
import org.jspecify.annotations.NullMarked;
