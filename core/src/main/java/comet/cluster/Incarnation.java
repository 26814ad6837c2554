package comet.cluster;

import comet.base.Check;

/// How often the metadata group was made anew from what its cluster had kept. The upper half of
/// every revision, every epoch and every new volume's id says it, so that whatever a new group
/// gives out lies above all that the lost one may have given out, known or not, and so that what
/// the lost one said can be told from what counts.
///
/// That number itself has two halves of 16 bits: which attempt it was, counted at the disks that
/// were looked at, and what tells it from another first attempt that was made from disks which know
/// nothing of these. (Groups that were made before there was the lower half have small numbers.)
public final class Incarnation {
    /// Bits of a number that count within one incarnation.
    private static final int BITS = 32;

    /// Bits of an epoch that count within one line, see [#line].
    private static final int LINE_BITS = 24;

    private static final int MARK_BITS = 16;

    private Incarnation() {}

    /// @param attempt 1 and up
    /// @param hash of everything that it is made from
    public static long make(long attempt, long hash) {
        Check.that(attempt > 0 && attempt < 1 << MARK_BITS - 1, "attempt", attempt, 0);
        return attempt << MARK_BITS | hash & (1L << MARK_BITS) - 1;
    }

    /// Which attempt made it.
    public static long attempt(long incarnation) {
        return incarnation >>> MARK_BITS;
    }

    /// Whether two groups were made beside each other, so that neither knows what the other one has
    /// done.
    public static boolean beside(long incarnation, long other) {
        return incarnation != other
                && attempt(incarnation) > 0
                && attempt(incarnation) == attempt(other);
    }

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
