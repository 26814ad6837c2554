/// Files of a disk: the kernel's calls on a bounded pool of threads, completions on the loop in
/// batches; what the page cache holds is read on the loop itself. Data path.
@NullMarked
package comet.io.file;

import org.jspecify.annotations.NullMarked;
