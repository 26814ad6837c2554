package comet.cluster;

/// How often the metadata group was made anew from what its cluster had kept. The upper half of
/// every revision, every epoch and every new volume's id says it, so that whatever a new group
/// gives out lies above all that the lost one may have given out, known or not, and so that what
/// the lost one said can be told from what counts.
public final class Incarnation {
    /// Bits of a number that count within one incarnation.
    private static final int BITS = 32;

    /// Bits of an epoch that count within one line, see [#line].
    private static final int LINE_BITS = 24;

    private Incarnation() {}

    /// @param number a revision, an epoch, or a volume's id
    public static long of(long number) {
        return number >>> BITS;
    }

    /// The first number of an incarnation that is above `before`, which is of an earlier one.
    public static long first(long incarnation, long before) {
        return incarnation << BITS | (before & (1L << BITS) - 1) + 1;
    }

    /// The line of copies that a placement group's epoch belongs to. In one line each copy is made
    /// from another one before that goes. A metadata group that is made anew begins a new one,
    /// since it may not know of every copy; so does force that lets a placement group begin anew,
    /// empty.
    public static long line(long epoch) {
        return epoch >>> LINE_BITS;
    }

    /// The epoch after `before` of a placement group that begins anew. (After 255 times in one
    /// incarnation it stays in its line.)
    public static long nextLine(long before) {
        long next = (line(before) + 1 << LINE_BITS) + (before & (1L << LINE_BITS) - 1) + 1;
        return of(next) == of(before) ? next : before + 1;
    }
}
