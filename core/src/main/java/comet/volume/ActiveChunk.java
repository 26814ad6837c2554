package comet.volume;

import org.jspecify.annotations.Nullable;

/// A chunk with parts under way or waiting, in the order in which they came. Pooled.
final class ActiveChunk {
    int chunkIndex;
    @Nullable ChunkPart head;
    @Nullable ChunkPart tail;

    /// Writes that have a version and are not complete. Only while above 0 `completed` counts; else
    /// the chunk table's version is complete.
    int sent;

    /// The newest version of a complete write.
    long completed;

    void clear() {
        head = null;
        tail = null;
        sent = 0;
        completed = 0;
    }
}
