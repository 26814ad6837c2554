package comet.sim;

import comet.base.Check;
import comet.base.Prng;
import comet.port.Errno;
import comet.port.Index;
import comet.port.IoDone;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// The ordered table of a disk: a commit that was answered is durable; one under way when the
/// process dies has happened up to any of its changes.
final class SimIndex {
    private final Simulation simulation;
    private final Prng prng;
    private final TreeMap<byte[], byte[]> rows = new TreeMap<>(Arrays::compareUnsigned);
    private @Nullable List<Index.Change> underWay;
    boolean fails;

    SimIndex(Simulation simulation) {
        this.simulation = simulation;
        prng = simulation.fork();
    }

    Index mount(SimProcess process) {
        return new Mount(process);
    }

    void killed() {
        List<Index.Change> changes = underWay;
        underWay = null;
        if (changes != null) {
            apply(changes.subList(0, prng.nextInt(changes.size() + 1)));
        }
    }

    private void apply(List<Index.Change> changes) {
        for (Index.Change change : changes) {
            byte[] value = change.value();
            if (value == null) {
                rows.remove(change.key());
            } else {
                rows.put(change.key().clone(), value.clone());
            }
        }
    }

    private final class Mount implements Index {
        private final SimProcess process;

        Mount(SimProcess process) {
            this.process = process;
        }

        @Override
        public void get(byte[] key, Row done) {
            byte[] early = rows.get(key);
            simulation.in(
                    5_000 + prng.nextLong(200_000),
                    process.life(),
                    () -> {
                        byte[] late = rows.get(key);
                        byte[] value = prng.chance(1, 2) ? early : late;
                        done.row(value == null ? null : value.clone(), 0);
                    });
        }

        @Override
        public void scan(byte[] from, byte[] to, Rows target, IoDone done, long token) {
            simulation.in(
                    5_000 + prng.nextLong(200_000),
                    process.life(),
                    () -> {
                        scanNow(from, to, target);
                        done.done(token, 0);
                    });
        }

        private void scanNow(byte[] from, byte[] to, Rows target) {
            for (Map.Entry<byte[], byte[]> row : rows.subMap(from, true, to, false).entrySet()) {
                if (!target.row(row.getKey().clone(), row.getValue().clone())) {
                    return;
                }
            }
        }

        @Override
        public void commit(List<Change> changes, IoDone done, long token) {
            Check.that(underWay == null, "one commit at a time");
            List<Change> copy = List.copyOf(changes);
            underWay = copy;
            simulation.in(
                    50_000 + prng.nextLong(3_000_000),
                    process.life(),
                    () -> {
                        underWay = null;
                        if (fails) {
                            done.done(token, -Errno.EIO);
                            return;
                        }
                        apply(copy);
                        done.done(token, 0);
                    });
        }

        @Override
        public void close() {
            Check.that(underWay == null, "closed during a commit");
        }
    }
}
