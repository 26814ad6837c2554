package comet.sim.check;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Everything that guests asked of one volume, and the losses of power that it lived through.
public final class History {
    private final String volume;
    private final List<Op> ops = new ArrayList<>();
    private final Map<Long, Long> lastFlush = new HashMap<>();

    /// Moments when everything lost power: gateways and nodes.
    private final List<Long> blackouts = new ArrayList<>();

    /// Moments when all nodes lost power and the gateway lived.
    private final List<Long> nodeBlackouts = new ArrayList<>();

    public History(String volume) {
        this.volume = volume;
    }

    public String volume() {
        return volume;
    }

    public void add(Op op) {
        ops.add(op);
    }

    public void blackout(long moment) {
        blackouts.add(moment);
    }

    public void nodeBlackout(long moment) {
        nodeBlackouts.add(moment);
    }

    /// In the order of their asking.
    public List<Op> ops() {
        return ops;
    }

    public List<Long> blackouts() {
        return blackouts;
    }

    public List<Long> nodeBlackouts() {
        return nodeBlackouts;
    }

    public int cellCount() {
        int cells = 0;
        for (Op op : ops) {
            cells = Math.max(cells, op.firstCell + op.cellCount);
        }
        return cells;
    }

    /// When the last flush was asked for that had ended well before `moment`; -1 where there was
    /// none.
    long lastFlushInvoked(long moment) {
        return lastFlush.computeIfAbsent(
                moment,
                m -> {
                    long last = -1;
                    for (Op op : ops) {
                        if (op.kind == Op.Kind.FLUSH
                                && op.outcome == Op.Outcome.OK
                                && op.returned < m) {
                            last = Math.max(last, op.invoked);
                        }
                    }
                    return last;
                });
    }

    /// For each cell the requests that touched it, in the order of their asking.
    List<List<Op>> byCell() {
        int cells = cellCount();
        List<List<Op>> byCell = new ArrayList<>(cells);
        for (int cell = 0; cell < cells; cell++) {
            byCell.add(new ArrayList<>());
        }
        for (Op op : ops) {
            for (int cell = op.firstCell; cell < op.firstCell + op.cellCount; cell++) {
                if (!op.reads() || op.readValue(cell) != Op.UNSEEN) {
                    byCell.get(cell).add(op);
                }
            }
        }
        return byCell;
    }

    /// The moment after which a write of unknown outcome can no longer take effect: a newer
    /// attachment has answered something, or everything has lost power.
    long decidedAt(Op write) {
        long decided = Op.NEVER;
        for (long blackout : blackouts) {
            if (blackout > write.invoked) {
                decided = blackout;
                break;
            }
        }
        for (Op other : ops) {
            if (other.outcome == Op.Outcome.OK
                    && other.strong
                    && other.life != write.life
                    && other.term > write.term
                    && other.returned < decided) {
                decided = other.returned;
            }
        }
        return decided;
    }
}
