package comet.replica;

import java.util.LinkedHashSet;
import java.util.TreeSet;

/// Placement groups that are to recover and not begun yet. Those that guests write to meanwhile
/// come first, the one written last before the others: until it is equal each write to it is noted
/// and copied again.
final class WaitingGroups {
    private final TreeSet<Integer> all = new TreeSet<>();

    /// Those that were written to, the latest last.
    private final LinkedHashSet<Integer> written = new LinkedHashSet<>();

    void add(int pg) {
        all.add(pg);
    }

    void remove(int pg) {
        all.remove(pg);
        written.remove(pg);
    }

    boolean isEmpty() {
        return all.isEmpty();
    }

    /// A guest has written to it.
    void written(int pg) {
        if (all.contains(pg)) {
            written.addLast(pg);
        }
    }

    /// The next one, which waits no longer. There must be one.
    int take() {
        int pg = written.isEmpty() ? all.getFirst() : written.getLast();
        remove(pg);
        return pg;
    }
}
