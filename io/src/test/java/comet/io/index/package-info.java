/// The index of a disk on real files: a test and a benchmark.
@NullMarked
package comet.io.index;

import org.jspecify.annotations.NullMarked;
