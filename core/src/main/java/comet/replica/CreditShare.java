package comet.replica;

import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/// Whose turn it is where a disk has not enough credit for all: clients that say what their next
/// write lacks are served one after the other, and nobody else is granted anything meanwhile. What
/// idle clients hold is asked back; a client that keeps it, and does not even answer, loses its
/// connection, and with it what it was granted.
///
/// So a write waits for credit only as long as others use theirs, or fails for want of space.
final class CreditShare {
    private final DiskServer disk;
    private final ArrayDeque<WriteLane> needy = new ArrayDeque<>();
    private long sparingUntilNs = Long.MIN_VALUE;

    CreditShare(DiskServer disk) {
        this.disk = disk;
    }

    /// Whether a client may be granted more than its next write needs: where nobody waits whom that
    /// would delay, nor a copy, if the client says what it needs.
    boolean mayRefill(boolean saysNeeds) {
        return needy.isEmpty() && !(saysNeeds && isSparing());
    }

    /// Asked for each write: the clock is read only while it matters.
    private boolean isSparing() {
        if (sparingUntilNs != Long.MIN_VALUE && disk.loop().nowNs() >= sparingUntilNs) {
            sparingUntilNs = Long.MIN_VALUE;
        }
        return sparingUntilNs != Long.MIN_VALUE;
    }

    /// The lane's client needs more than it was granted.
    void need(WriteLane lane) {
        if (!needy.contains(lane)) {
            needy.add(lane);
        }
        serve();
    }

    void closed(WriteLane lane) {
        needy.remove(lane);
    }

    /// Serves those that wait, in their order, as far as it goes.
    void serve() {
        for (WriteLane first = needy.peek(); first != null; first = needy.peek()) {
            if (!first.serveNeed()) {
                recallFor(first);
                return;
            }
            needy.remove(first);
        }
    }

    /// A copy lacks space: asks back what clients do not use, and grants until then no more than
    /// what their next writes lack.
    void sparing(long untilNs) {
        sparingUntilNs = untilNs;
        recallFor(null);
    }

    private void recallFor(@Nullable WriteLane first) {
        @Nullable WriteLane[] others = disk.writeLanes().toArray(new WriteLane[0]);
        for (WriteLane other : others) {
            if (other != null && other != first && other.credits().unused() > 0) {
                other.recall();
            }
        }
    }
}
