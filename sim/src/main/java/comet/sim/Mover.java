package comet.sim;

import comet.base.Prng;
import comet.cluster.Command;
import comet.cluster.DiskInfo;
import comet.cluster.Reply;
import comet.cluster.SettingValue;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Changes which disks hold what while the cluster serves.
final class Mover {
    private final Cluster cluster;

    Mover(Cluster cluster) {
        this.cluster = cluster;
    }

    private void submit(Command command) {
        cluster.admin().submit(command, reply -> {});
    }

    private void set(String key, String value) {
        submit(new Command.ChangeSettings(List.of(new SettingValue(key, value))));
    }

    void rebuildAfter(int seconds) {
        set("rebuild-after", seconds + "s");
    }

    /// Faults end within seconds, and all is to converge soon after.
    void slowForSeconds() {
        set("slow-after", "3s");
        set("slow-rest", "5s");
    }

    /// The operator changes what some disk is to hold.
    boolean reweigh(Prng prng) {
        DiskInfo disk = someDisk(prng);
        if (disk == null) {
            return false;
        }
        Command command = new Command.SetDiskWeight(disk.diskId(), 1L << 18 + prng.nextInt(5));
        submit(command);
        return true;
    }

    /// The operator has some disk emptied, or removed, or takes that back.
    boolean empty(Prng prng, DiskInfo.State state) {
        DiskInfo disk = someDisk(prng);
        if (disk == null) {
            return false;
        }
        boolean back = disk.state() != DiskInfo.State.ACTIVE && prng.chance(1, 2);
        DiskInfo.State to = back ? DiskInfo.State.ACTIVE : state;
        cluster.admin()
                .submit(
                        new Command.SetDiskStates(List.of(disk.diskId()), to),
                        reply -> {
                            if (reply instanceof Reply.Refused refused) {
                                cluster.probe("refused " + refused.code(), 1);
                            }
                        });
        return true;
    }

    private @Nullable DiskInfo someDisk(Prng prng) {
        List<DiskInfo> disks =
                cluster.meta().truth().disks().stream().filter(DiskInfo::counts).toList();
        return disks.isEmpty() ? null : disks.get(prng.nextInt(disks.size()));
    }

    /// Nothing moves for so long.
    void pause(long ns) {
        set("rebalance", "off");
        cluster.simulation().in(ns, () -> set("rebalance", "on"));
    }

    /// For good, and behind what was asked for before: messages come in any order.
    void resume() {
        if (cluster.options().faults().contains(Options.Fault.PAUSE_MOVES)) {
            cluster.simulation().in(12_000_000_000L, () -> set("rebalance", ""));
        }
    }
}
