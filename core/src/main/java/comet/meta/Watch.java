package comet.meta;

import comet.cluster.ClusterMap;
import comet.cluster.DiskInfo;
import comet.meta.Facts.DiskLife;
import java.util.ArrayList;
import java.util.List;

/// The look-out of the group's leader for disks that have fallen silent.
public final class Watch {
    /// How often to look.
    public static final long INTERVAL_NS = 250_000_000L;

    private Watch() {}

    /// Disks that are dead and that some placement group can do without: each is worth a
    /// [comet.cluster.Command.Unreachable].
    public static List<DiskLife> unreachable(ClusterMap map, Facts facts) {
        ArrayList<DiskLife> found = new ArrayList<>();
        for (DiskInfo disk : map.disks()) {
            boolean dead =
                    disk.bootId() != 0
                            && facts.disk(disk.diskId(), disk.bootId()) == Liveness.State.DEAD;
            if (dead && isMissed(map, disk, facts)) {
                found.add(new DiskLife(disk.diskId(), disk.bootId()));
            }
        }
        return found;
    }

    private static boolean isMissed(ClusterMap map, DiskInfo disk, Facts facts) {
        for (int pg = 0; pg < map.pgCount(); pg++) {
            if (LossRules.canDoWithout(map.pg(pg), disk.diskId(), disk.bootId(), facts)) {
                return true;
            }
        }
        return false;
    }
}
