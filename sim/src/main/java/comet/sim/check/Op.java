package comet.sim.check;

import org.jspecify.annotations.Nullable;

/// One request of a guest, as its history remembers it. Moments are numbers of a global count, so
/// no two are equal.
public final class Op {
    /// What was asked.
    public enum Kind {
        READ,
        /// A write, its value is the request's own [Op#id].
        WRITE,
        /// Zeros written, or whole blocks trimmed: value 0.
        ZERO,
        FLUSH,
        /// Which parts are zeros: counts as a read of those.
        STATUS
    }

    /// What became of it.
    public enum Outcome {
        /// Has not ended yet.
        OPEN,
        OK,
        /// Ended in a way that promises that nothing was done.
        NOT_DONE,
        /// Nobody knows: the gateway died, or it failed in between.
        UNKNOWN
    }

    public static final long NEVER = Long.MAX_VALUE;

    public final long id;
    public final Kind kind;
    public final int firstCell;
    public final int cellCount;
    public final long invoked;

    /// The life of the gateway that was asked.
    public final int life;

    /// Durable once it has ended well.
    public final boolean durable;

    public Outcome outcome = Outcome.OPEN;
    public long returned = NEVER;

    /// The attachment under which it ended, as the group knew it then.
    public long term;

    /// Of a read: asked and answered while its gateway held the volume. A read without that
    /// promises nothing about its age.
    public boolean strong = true;

    /// Of a read: the value of each cell; 0 zeros, [#GARBAGE] what nobody can have written.
    public long @Nullable [] values;

    public static final long GARBAGE = -1;

    /// A status said nothing about the cell.
    public static final long UNSEEN = -2;

    public Op(
            long id,
            Kind kind,
            int firstCell,
            int cellCount,
            long invoked,
            int life,
            boolean durable) {
        this.id = id;
        this.kind = kind;
        this.firstCell = firstCell;
        this.cellCount = cellCount;
        this.invoked = invoked;
        this.life = life;
        this.durable = durable;
    }

    public boolean reads() {
        return kind == Kind.READ || kind == Kind.STATUS;
    }

    public boolean changes() {
        return kind == Kind.WRITE || kind == Kind.ZERO;
    }

    /// What a write leaves in its cells.
    public long value() {
        return kind == Kind.WRITE ? id : 0;
    }

    long readValue(int cell) {
        long[] read = values;
        return read == null ? UNSEEN : read[cell - firstCell];
    }

    boolean covers(int cell) {
        return cell >= firstCell && cell < firstCell + cellCount;
    }

    @Override
    public String toString() {
        return "#"
                + id
                + " "
                + kind
                + (durable ? "+fua" : "")
                + " cells "
                + firstCell
                + "+"
                + cellCount
                + " ["
                + invoked
                + ","
                + (returned == NEVER ? "-" : Long.toString(returned))
                + "] "
                + outcome
                + " life "
                + life
                + " term "
                + term
                + (strong ? "" : " weak");
    }
}
