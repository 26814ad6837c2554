package comet.replica;

/// Why a chunk is pulled. All calls come later, never inside [ChunkPull#start].
interface PullPurpose {
    /// The source's state wins, whichever version is higher (recovery).
    default boolean sourceWins() {
        return false;
    }

    /// The version that the source must have reached before it can win; 0: any.
    default long noted() {
        return 0;
    }

    /// The version to be reached; 0: whatever the source has.
    default long wanted() {
        return 0;
    }

    /// Whether the change may still be made: asked at the moment of making it.
    default ChunkPull.Result permitted() {
        return ChunkPull.Result.DONE;
    }

    /// A block that was bad here is whole again.
    default void repaired(int block, int sourceDiskId) {}

    /// A block that is bad here is bad at the source, too. Whether it is lost then.
    default boolean isLost(int block) {
        return false;
    }

    void ended(ChunkPull.Result result);
}
