package comet.base;

/// A small seeded generator (SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number
/// generators", 2014). The same seed gives the same numbers for ever, whatever the JDK.
public final class Prng {
    private long state;

    public Prng(long seed) {
        state = seed;
    }

    public long nextLong() {
        state += 0x9E3779B97F4A7C15L;
        return mix(state);
    }

    /// Uniform in [0, bound).
    public long nextLong(long bound) {
        Check.that(bound > 0, "bound", bound, 0);
        return Long.remainderUnsigned(nextLong(), bound);
    }

    public int nextInt(int bound) {
        return (int) nextLong(bound);
    }

    /// True with a chance of `n` in `of`.
    public boolean chance(int n, int of) {
        return nextInt(of) < n;
    }

    public Prng fork() {
        return new Prng(nextLong());
    }

    /// The 64-bit finaliser, also a good hash of a long.
    public static long mix(long z) {
        z = (z ^ z >>> 30) * 0xBF58476D1CE4E5B9L;
        z = (z ^ z >>> 27) * 0x94D049BB133111EBL;
        return z ^ z >>> 31;
    }
}
