package comet.base;

/// The sizes that the whole design rests on. Changing one changes the formats on disk and wire.
public final class Sizes {
    private Sizes() {}

    /// Unit of checksums, of the block index and of copy-on-write.
    public static final int BLOCK_BYTES = 4096;

    public static final int BLOCK_SHIFT = 12;

    /// Unit of placement, versions and repair.
    public static final int CHUNK_BYTES = 4 << 20;

    public static final int CHUNK_SHIFT = 22;

    public static final int CHUNK_BLOCKS = CHUNK_BYTES / BLOCK_BYTES;

    /// Smallest addressable unit of a disk as guests see it.
    public static final int SECTOR_BYTES = 512;

    /// Largest volume: 64 TiB.
    public static final int VOLUME_CHUNKS_MAX = 1 << 24;

    public static final long VOLUME_BYTES_MAX = (long) VOLUME_CHUNKS_MAX * CHUNK_BYTES;

    /// Default number of placement groups; always a power of two.
    public static final int PLACEMENT_GROUPS = 8192;

    public static final int PLACEMENT_GROUPS_MAX = 1 << 20;

    public static final int REPLICAS_MAX = 3;

    /// Members that a placement group may have at a time: while one is moved, both its places.
    public static final int MEMBERS_MAX = REPLICAS_MAX + 1;
}
