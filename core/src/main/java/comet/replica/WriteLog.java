package comet.replica;

import comet.base.Check;
import java.util.Arrays;

/// The writes of one connection that are not yet known durable: which were answered, and which
/// change of the journal holds each. Tells up to which write the connection is durable.
///
/// A write that was answered with a note or refused holds no change: it stands for nothing that
/// could be lost here, so the report passes over it (the peer knows the write's own answer).
///
/// Bounded by the journal: every entry that stays is a change in the ring, or a write in hand,
/// which the credit and the backlog bound.
final class WriteLog {
    private static final long OPEN = -1;

    /// Journal sequence of write `n` at `n & mask`; [#OPEN] where not yet answered.
    private long[] changes = new long[256];

    /// The first write that is not known durable.
    private long head = 1;

    /// The next write to arrive.
    private long next = 1;

    long next() {
        return next;
    }

    /// The next write has arrived.
    void arrived() {
        if (next - head == changes.length) {
            grow();
        }
        changes[at(next)] = OPEN;
        next++;
    }

    /// @param change the journal's sequence number, 0 where nothing was changed
    void answered(long sequence, long change) {
        Check.that(sequence >= head && sequence < next, "answer", sequence, next);
        Check.that(changes[at(sequence)] == OPEN, "answered twice", sequence, change);
        changes[at(sequence)] = change;
    }

    /// @param durableChange up to which the journal is durable
    /// @return the last write such that it and all before it are answered and durable
    long durable(long durableChange) {
        while (head < next) {
            long change = changes[at(head)];
            if (change == OPEN || change > durableChange) {
                break;
            }
            head++;
        }
        return head - 1;
    }

    private int at(long sequence) {
        return (int) sequence & changes.length - 1;
    }

    private void grow() {
        long[] old = changes;
        changes = Arrays.copyOf(old, old.length * 2);
        for (long n = head; n < next; n++) {
            changes[at(n)] = old[(int) n & old.length - 1];
        }
    }
}
