package comet.sim.check;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// G8: no read returns bytes that nobody wrote there: not rotten ones, not torn cells, not another
/// place's, not those of a write that was refused.
public final class G8Integrity {
    private final History history;

    public G8Integrity(History history) {
        this.history = history;
    }

    public @Nullable Violation check() {
        Map<Long, Op> writes = new HashMap<>();
        for (Op op : history.ops()) {
            if (op.kind == Op.Kind.WRITE && op.outcome != Op.Outcome.NOT_DONE) {
                writes.put(op.id, op);
            }
        }
        for (Op read : history.ops()) {
            long[] values = read.values;
            if (values == null) {
                continue;
            }
            for (int n = 0; n < values.length; n++) {
                Op write = writes.get(values[n]);
                boolean right =
                        values[n] == 0
                                || values[n] == Op.UNSEEN
                                || (write != null
                                        && write.covers(read.firstCell + n)
                                        && write.invoked < read.returned);
                if (!right) {
                    return new Violation(
                            "G8",
                            "volume "
                                    + history.volume()
                                    + " cell "
                                    + (read.firstCell + n)
                                    + ": "
                                    + read
                                    + " read "
                                    + (values[n] == Op.GARBAGE ? "garbage" : "" + values[n])
                                    + ", which nobody wrote there");
                }
            }
        }
        return null;
    }
}
