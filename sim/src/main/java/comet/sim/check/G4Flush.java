package comet.sim.check;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/// G4: what a flush covered survives the loss of power of everything at once. A read after it may
/// return any write but one that was surely overwritten by a flushed one.
public final class G4Flush {
    private final History history;

    public G4Flush(History history) {
        this.history = history;
    }

    public @Nullable Violation check() {
        if (history.blackouts().isEmpty()) {
            return null;
        }
        return Overwritten.check(
                "G4",
                "a flushed write is gone after the loss of power of everything",
                history,
                history.blackouts(),
                (write, moment) -> flushed(history, write, moment));
    }

    /// Values that the cell may hold after everything has lost power at `moment`.
    ///
    /// @param seen requests since the loss before
    /// @param origins what the cell may have held after that
    static Set<Long> survivors(
            History history, int cell, List<Op> seen, long moment, Set<Long> origins) {
        Predicate<Op> kept = op -> op.changes() && flushed(history, op, moment);
        Set<Long> values = new LinkedHashSet<>();
        if (seen.stream().noneMatch(kept)) {
            values.addAll(origins);
        }
        for (Op op : seen) {
            if (op.changes() && seen.stream().noneMatch(o -> kept.test(o) && surely(op, o))) {
                values.add(op.value());
            }
        }
        return values;
    }

    private static boolean surely(Op first, Op second) {
        return first.returned < second.invoked;
    }

    /// Whether a write was made durable by an answer before `moment`.
    static boolean flushed(History history, Op write, long moment) {
        if (write.outcome != Op.Outcome.OK || write.returned > moment) {
            return false;
        }
        if (write.durable) {
            return true;
        }
        // A flush after an earlier loss covers nothing that went with that.
        long firstLoss = moment;
        for (long blackout : history.blackouts()) {
            if (blackout > write.returned) {
                firstLoss = Math.min(firstLoss, blackout);
            }
        }
        return write.returned < history.lastFlushInvoked(firstLoss);
    }
}
