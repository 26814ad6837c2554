package comet.cluster;

import comet.base.Prng;

/// Which placement group a chunk belongs to: the top bits of a 64-bit hash of (volume, chunk), so
/// that the number of groups can be doubled by splitting each.
public final class PgHash {
    private PgHash() {}

    /// @param pgCount a power of two, 1 to 2^20
    public static int of(long volumeId, int chunkIndex, int pgCount) {
        long hash = Prng.mix(Prng.mix(volumeId + 0x9E3779B97F4A7C15L) + chunkIndex);
        int bits = Integer.numberOfTrailingZeros(pgCount);
        return bits == 0 ? 0 : (int) (hash >>> 64 - bits);
    }
}
