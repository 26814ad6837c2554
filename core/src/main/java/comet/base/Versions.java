package comet.base;

/// A chunk's version: (attachment term, count), packed into 64 bits so that unsigned comparison of
/// the packed form is comparison of the pair. 24 bits of term, 40 of count. Zero means "never
/// written". See the design's "Versions".
public final class Versions {
    private Versions() {}

    public static final long NONE = 0;
    public static final int TERM_MAX = (1 << 24) - 1;
    public static final long COUNT_MAX = (1L << 40) - 1;

    public static long of(long term, long count) {
        Check.that(term >= 0 && term <= TERM_MAX, "term out of range", term, count);
        Check.that(count >= 0 && count <= COUNT_MAX, "count out of range", term, count);
        return term << 40 | count;
    }

    public static long term(long version) {
        return version >>> 40;
    }

    public static long count(long version) {
        return version & COUNT_MAX;
    }

    /// The version that follows `version` under `term`: the count goes on within a term and starts
    /// at one in a new term.
    public static long next(long version, long term) {
        Check.that(term >= term(version), "terms only grow", term, term(version));
        return term(version) == term ? of(term, count(version) + 1) : of(term, 1);
    }

    public static int compare(long a, long b) {
        return Long.compareUnsigned(a, b);
    }

    public static String text(long version) {
        return term(version) + "." + count(version);
    }
}
