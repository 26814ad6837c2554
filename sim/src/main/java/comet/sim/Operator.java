package comet.sim;

import comet.base.Prng;
import comet.cluster.Command;
import comet.cluster.SettingValue;
import comet.cluster.VolumeLimits;
import java.util.List;

/// Turns what can be turned while the cluster serves: limits of volumes, and what guests keep of
/// the disks while these recover.
final class Operator {
    private final Cluster cluster;
    private boolean limited;

    Operator(Cluster cluster) {
        this.cluster = cluster;
    }

    boolean turn(Prng prng) {
        if (prng.chance(1, 3)) {
            String share = prng.chance(1, 4) ? "" : prng.nextInt(96) + "%";
            submit(new Command.ChangeSettings(List.of(new SettingValue("recovery-share", share))));
        } else {
            Guests some = cluster.guests().get(prng.nextInt(cluster.guests().size()));
            submit(new Command.LimitVolume(some.volumeId(), limits(prng)));
            limited = true;
        }
        return true;
    }

    private static VolumeLimits limits(Prng prng) {
        long iops = prng.chance(1, 4) ? 0 : 20L << prng.nextInt(8);
        long bytes = prng.chance(1, 2) ? 0 : (64L << 10) << prng.nextInt(8);
        return new VolumeLimits(iops, bytes, prng.nextInt(3));
    }

    /// What was limited is not to keep the end waiting.
    void lift() {
        if (limited) {
            for (Guests guests : cluster.guests()) {
                submit(new Command.LimitVolume(guests.volumeId(), VolumeLimits.NONE));
            }
        }
    }

    private void submit(Command command) {
        cluster.admin().submit(command, reply -> {});
    }
}
