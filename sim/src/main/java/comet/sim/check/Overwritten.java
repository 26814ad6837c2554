package comet.sim.check;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiPredicate;
import org.jspecify.annotations.Nullable;

/// A simple rule that needs no search: after a given moment no read returns what was surely
/// overwritten by a write that had to survive that moment.
final class Overwritten {
    private Overwritten() {}

    static @Nullable Violation check(
            String guarantee,
            String what,
            History history,
            List<Long> moments,
            BiPredicate<Op, Long> hadToSurvive) {
        long first = moments.getFirst();
        List<List<Op>> byCell = history.byCell();
        Map<Op, Boolean> known = new HashMap<>();
        for (int cell = 0; cell < byCell.size(); cell++) {
            List<Op> kept = new ArrayList<>();
            for (Op op : byCell.get(cell)) {
                if (op.changes()
                        && known.computeIfAbsent(op, o -> survives(o, moments, hadToSurvive))) {
                    kept.add(op);
                }
            }
            for (Op read : byCell.get(cell)) {
                if (read.reads()
                        && read.outcome == Op.Outcome.OK
                        && read.strong
                        && read.invoked > first) {
                    Op lost = lostBy(read, cell, byCell.get(cell), kept, moments, hadToSurvive);
                    if (lost != null) {
                        return new Violation(
                                guarantee,
                                what
                                        + ": volume "
                                        + history.volume()
                                        + " cell "
                                        + cell
                                        + ": "
                                        + lost
                                        + " but "
                                        + read
                                        + " read "
                                        + read.readValue(cell));
                    }
                }
            }
        }
        return null;
    }

    private static boolean survives(
            Op write, List<Long> moments, BiPredicate<Op, Long> hadToSurvive) {
        for (long moment : moments) {
            if (hadToSurvive.test(write, moment)) {
                return true;
            }
        }
        return false;
    }

    /// The write that had to be seen by `read` or overwritten before it, and was neither; or null.
    private static @Nullable Op lostBy(
            Op read,
            int cell,
            List<Op> all,
            List<Op> kept,
            List<Long> moments,
            BiPredicate<Op, Long> hadToSurvive) {
        long value = read.readValue(cell);
        for (Op must : kept) {
            if (must.value() == value || must.returned > read.invoked) {
                continue;
            }
            boolean relevant = false;
            for (long moment : moments) {
                relevant |= moment < read.invoked && hadToSurvive.test(must, moment);
            }
            if (!relevant) {
                continue;
            }
            // Explained if some write of this value may have come after it.
            boolean explained = false;
            for (Op other : all) {
                explained |=
                        other.changes()
                                && other.outcome != Op.Outcome.NOT_DONE
                                && other.value() == value
                                && other.invoked < read.returned
                                && other.returned > must.invoked;
            }
            if (!explained) {
                return must;
            }
        }
        return null;
    }
}
