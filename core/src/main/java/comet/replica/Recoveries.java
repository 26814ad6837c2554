package comet.replica;

import comet.cluster.PgConfig;
import comet.replica.ApplyRules.Role;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// The placement groups in which this disk is RECOVERING.
final class Recoveries {
    private final TreeMap<Integer, Recovery> recoveries = new TreeMap<>();

    Recoveries(DiskServer disk, PeerLinks links) {}

    @Nullable Recovery of(int pg) {
        return recoveries.isEmpty() ? null : recoveries.get(pg);
    }

    void onEpoch(PgConfig config, Role role) {
        if (role == Role.RECOVERING) {
            recoveries.put(config.pg(), new Recovery());
        } else {
            recoveries.remove(config.pg());
        }
    }

    void tick() {}

    void close() {}
}
