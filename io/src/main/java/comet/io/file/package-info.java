/// Files of a disk: FileChannel on a bounded pool of threads, completions on the loop.
@NullMarked
package comet.io.file;

import org.jspecify.annotations.NullMarked;
