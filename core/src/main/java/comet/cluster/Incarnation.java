package comet.cluster;

/// How often the metadata group was made anew from what its cluster had kept. The upper half of
/// every revision, every epoch and every new volume's id says it, so that whatever a new group
/// gives out lies above all that the lost one may have given out, known or not, and so that what
/// the lost one said can be told from what counts.
public final class Incarnation {
    /// Bits of a number that count within one incarnation.
    private static final int BITS = 32;

    private Incarnation() {}

    /// @param number a revision, an epoch, or a volume's id
    public static long of(long number) {
        return number >>> BITS;
    }

    /// The first number of an incarnation that is above `before`, which is of an earlier one.
    public static long first(long incarnation, long before) {
        return incarnation << BITS | (before & (1L << BITS) - 1) + 1;
    }
}
