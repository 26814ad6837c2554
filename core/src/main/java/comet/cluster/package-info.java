/// The agreed state as every process sees it: nodes, disks, placement-group configurations,
/// volumes.
@NullMarked
@Deterministic
package comet.cluster;

import comet.base.Deterministic;
import org.jspecify.annotations.NullMarked;
