/// The index of a disk on RocksDB: bounded memory, no log of its own, commits on a thread of their
/// own.
@NullMarked
package comet.io.index;

import org.jspecify.annotations.NullMarked;
