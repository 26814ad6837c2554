package comet.server.up;

import comet.cluster.ClusterMap;
import comet.server.admin.AdminException;
import comet.server.admin.GroupAccess;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/// Reads of the map while a process starts: on a busy machine the group may take longer to answer
/// than a person at the CLI wants to wait, and a start may wait longer.
final class Patience {
    private static final long LIMIT_NS = TimeUnit.SECONDS.toNanos(60);

    private Patience() {}

    static <T> T read(GroupAccess group, Function<ClusterMap, T> view) {
        long startNs = System.nanoTime();
        while (true) {
            try {
                return group.read(view);
            } catch (AdminException e) {
                if (Thread.currentThread().isInterrupted()
                        || System.nanoTime() - startNs > LIMIT_NS) {
                    throw new StartException("cannot read the cluster's map: " + e.text(), e);
                }
            }
        }
    }
}
