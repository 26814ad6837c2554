package comet.store;

import comet.base.Buf;
import org.jspecify.annotations.Nullable;

/// Where the data of changed blocks lies until the index knows their place: in a batch of the
/// journal, or already in segments. Blocks are named by their slot, 0 and up.
abstract sealed class Source permits Batch, LargeWrite {
    /// The buffer that holds a block, or null where it has to be read from the disk.
    abstract @Nullable Buf data(int slot);

    /// Where in [#data] the block starts.
    abstract int dataOffset(int slot);
}
