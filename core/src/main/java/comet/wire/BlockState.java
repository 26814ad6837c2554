package comet.wire;

/// What a replica knows of one block; a byte per block in replies.
public final class BlockState {
    private BlockState() {}

    /// Never written in this volume (or trimmed in one without a parent): the parent decides, else
    /// zeros.
    public static final int ABSENT = 0;

    /// Explicit zeros; holds no space. The parent does not shine through.
    public static final int ZERO = 1;

    public static final int DATA = 2;

    /// The version is known, the bytes are gone: EIO until overwritten or repaired.
    public static final int LOST = 3;

    /// Data is there but fails its checksum, or could not be read: another replica may have it.
    public static final int CORRUPT = 4;
}
