package comet.sim.check;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// G1: each cell of a volume behaves as an atomic register, over all lives of its gateways.
///
/// The search is Wing and Gong's with Lowe's just-in-time linearization ("Testing for
/// linearizability", 2016): the history is walked in time; kept are all states that the register
/// can be in, each with the open requests that have already taken effect in it; a request must have
/// taken effect when it returns. A read takes effect as soon as its value is there, which never
/// makes a state worse. Writes of unknown outcome may take effect until they are decided (see
/// [History#decidedAt]) or never; those whose value nobody reads are left out. When everything
/// loses power the register falls back to any value that [G4Flush] allows.
public final class G1Linearizable {
    private static final int OPEN_MAX = 62;

    /// States that one event may lead to. Each write that is under way beside others doubles them:
    /// a cell where many are is left undecided rather than searched for ever.
    private static final int STATES_MAX = 50_000;

    /// A state: what the register holds, what it held after the last loss of power of everything,
    /// and the slots of open requests that have taken effect.
    private record State(long value, long origin, long done) {}

    private record Event(long moment, int kind, @Nullable Op op) {}

    /// In the order in which they happen at the same moment.
    private static final int DECIDED = 0;

    private static final int INVOKE = 1;
    private static final int RETURN = 2;
    private static final int BLACKOUT = 3;

    private final History history;
    private final Map<Op, Long> decided = new HashMap<>();
    private int undecided;

    public G1Linearizable(History history) {
        this.history = history;
    }

    /// Cells of which the last [#check] has found nothing because there was too much to search.
    public int undecided() {
        return undecided;
    }

    /// The first violation, or null.
    public @Nullable Violation check() {
        for (Op op : history.ops()) {
            if (op.changes() && uncertain(op)) {
                decided.put(op, history.decidedAt(op));
            }
        }
        List<List<Op>> byCell = history.byCell();
        for (int cell = 0; cell < byCell.size(); cell++) {
            Violation found = new Cell(cell, byCell.get(cell)).check();
            if (found != null) {
                return found;
            }
        }
        return null;
    }

    private static boolean uncertain(Op op) {
        return op.outcome == Op.Outcome.UNKNOWN || op.outcome == Op.Outcome.OPEN;
    }

    /// The search in one cell.
    private final class Cell {
        private final int cell;
        private final List<Op> ops;
        private final @Nullable Op[] open = new @Nullable Op[OPEN_MAX];
        private final List<Op> seen = new ArrayList<>();
        private Set<State> states = new LinkedHashSet<>();
        private boolean tooMany;

        Cell(int cell, List<Op> ops) {
            this.cell = cell;
            this.ops = ops;
        }

        @Nullable Violation check() {
            states.add(new State(0, 0, 0));
            for (Event event : events()) {
                switch (event.kind) {
                    case INVOKE -> invoke(op(event));
                    case RETURN -> returned(op(event));
                    case DECIDED -> forget(op(event));
                    default -> blackout(event.moment);
                }
                if (tooMany) {
                    undecided++;
                    return null;
                }
                if (states.isEmpty()) {
                    return violation(event);
                }
            }
            return null;
        }

        private static Op op(Event event) {
            Op op = event.op;
            if (op == null) {
                throw new IllegalStateException("event without request");
            }
            return op;
        }

        private List<Event> events() {
            Set<Long> read = new HashSet<>();
            for (Op op : ops) {
                if (counts(op) && op.reads()) {
                    read.add(op.readValue(cell));
                }
            }
            List<Event> events = new ArrayList<>();
            for (Op op : ops) {
                if (!counts(op)) {
                    continue;
                }
                if (op.changes() && uncertain(op)) {
                    if (read.contains(op.value()) || !history.blackouts().isEmpty()) {
                        events.add(new Event(op.invoked, INVOKE, op));
                        events.add(new Event(decided.getOrDefault(op, Op.NEVER), DECIDED, op));
                    }
                } else {
                    events.add(new Event(begins(op), INVOKE, op));
                    events.add(new Event(op.returned, RETURN, op));
                }
            }
            for (long moment : history.blackouts()) {
                events.add(new Event(moment, BLACKOUT, null));
            }
            events.sort(Comparator.comparingLong(Event::moment).thenComparingInt(Event::kind));
            return events;
        }

        /// When a request may take effect at the earliest: those of a newer attachment come after
        /// the moment that decided about the writes left by an older one.
        private long begins(Op op) {
            long moment = op.invoked;
            for (Op left : ops) {
                if (left.changes()
                        && uncertain(left)
                        && left.life != op.life
                        && left.term < op.term) {
                    long known = decided.getOrDefault(left, Op.NEVER);
                    if (known <= op.returned) {
                        moment = Math.max(moment, known);
                    }
                }
            }
            return moment;
        }

        private boolean counts(Op op) {
            if (op.reads()) {
                return op.outcome == Op.Outcome.OK && op.strong;
            }
            return op.outcome != Op.Outcome.NOT_DONE;
        }

        private void invoke(Op op) {
            seen.add(op);
            int slot = 0;
            while (open[slot] != null) {
                slot++;
                if (slot == OPEN_MAX) {
                    throw new IllegalStateException("too many requests at once in cell " + cell);
                }
            }
            open[slot] = op;
            if (op.reads()) {
                Set<State> after = new LinkedHashSet<>();
                for (State state : states) {
                    after.add(settle(state.value, state.origin, state.done));
                }
                states = after;
            }
        }

        /// The state in which all open reads have taken effect that find their value.
        private State settle(long value, long origin, long done) {
            long marked = done;
            for (int slot = 0; slot < OPEN_MAX; slot++) {
                Op op = open[slot];
                if (op != null && op.reads() && op.readValue(cell) == value) {
                    marked |= 1L << slot;
                }
            }
            return new State(value, origin, marked);
        }

        private int slot(Op op) {
            for (int slot = 0; slot < OPEN_MAX; slot++) {
                if (open[slot] == op) {
                    return slot;
                }
            }
            return -1;
        }

        private void returned(Op op) {
            int slot = slot(op);
            Set<State> after = new LinkedHashSet<>();
            Set<State> visited = new HashSet<>();
            for (State state : states) {
                reach(state, slot, after, visited);
            }
            states = after;
            free(slot);
        }

        /// Adds the states, reached from `state` by effects of open writes, in which the request in
        /// `slot` has taken effect for the first time.
        private void reach(State state, int slot, Set<State> found, Set<State> visited) {
            if (tooMany || !visited.add(state)) {
                return;
            }
            if (visited.size() > STATES_MAX) {
                tooMany = true;
                return;
            }
            if ((state.done & 1L << slot) != 0) {
                found.add(state);
                return;
            }
            for (int next = 0; next < OPEN_MAX; next++) {
                Op op = open[next];
                if (op != null && op.changes() && (state.done & 1L << next) == 0) {
                    State changed = settle(op.value(), state.origin, state.done | 1L << next);
                    reach(changed, slot, found, visited);
                }
            }
        }

        /// Nobody waits for the request any more: it has taken effect by now, or never will.
        private void forget(Op op) {
            int slot = slot(op);
            if (slot < 0) {
                return;
            }
            Set<State> after = new LinkedHashSet<>(states);
            Set<State> visited = new HashSet<>();
            for (State state : states) {
                reach(state, slot, after, visited);
            }
            states = after;
            free(slot);
        }

        private void free(int slot) {
            open[slot] = null;
            Set<State> after = new LinkedHashSet<>();
            for (State state : states) {
                after.add(new State(state.value, state.origin, state.done & ~(1L << slot)));
            }
            states = after;
        }

        private void blackout(long moment) {
            Set<Long> origins = new LinkedHashSet<>();
            states.forEach(state -> origins.add(state.origin));
            Set<State> after = new LinkedHashSet<>();
            for (long value : G4Flush.survivors(history, cell, seen, moment, origins)) {
                after.add(new State(value, value, 0));
            }
            java.util.Arrays.fill(open, null);
            states = after;
            seen.clear();
        }

        private Violation violation(Event event) {
            StringBuilder text = new StringBuilder();
            Op bad = event.op;
            text.append("volume ").append(history.volume()).append(" cell ").append(cell);
            text.append(": no order of the requests explains ").append(bad);
            if (bad != null && bad.reads()) {
                text.append(" which read ").append(bad.readValue(cell));
            }
            text.append("; blackouts at ").append(history.blackouts());
            text.append("; node blackouts at ").append(history.nodeBlackouts());
            for (Op op : ops) {
                if (bad == null || op.invoked < bad.returned) {
                    text.append("\n    ").append(op);
                    if (op.reads() && op.values != null) {
                        text.append(" read ").append(op.readValue(cell));
                    }
                    if (op.changes() && uncertain(op)) {
                        text.append(" decided ").append(decided.get(op));
                    }
                }
            }
            return new Violation("G1", text.toString());
        }
    }
}
