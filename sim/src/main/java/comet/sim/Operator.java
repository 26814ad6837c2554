package comet.sim;

import comet.base.Prng;
import comet.base.Sizes;
import comet.cluster.Command;
import comet.cluster.Reply;
import comet.cluster.SettingValue;
import comet.cluster.VolumeInfo;
import comet.cluster.VolumeInfo.Durability;
import comet.cluster.VolumeLimits;
import java.util.List;

/// What operators do while the cluster serves: volumes come, grow and go, are limited, and the
/// share that guests keep while disks recover is changed.
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

    boolean resize(Prng prng) {
        Guests some = cluster.guests().get(prng.nextInt(cluster.guests().size()));
        VolumeInfo volume = cluster.meta().truth().volume(some.volumeId());
        if (volume == null) {
            return false;
        }
        long bytes = volume.sizeBytes() + Sizes.BLOCK_BYTES * (1L + prng.nextInt(2000));
        cluster.admin().submit(new Command.ResizeVolume(some.volumeId(), bytes), reply -> {});
        return true;
    }

    /// A volume comes and goes while others work.
    boolean passingVolume(Prng prng) {
        String name = "p" + prng.nextInt(4);
        if (cluster.options().passingWrites()) {
            Prng own = prng.fork();
            cluster.admin()
                    .submit(
                            new Command.CreateVolume(name, 8 << 20, Durability.FLUSH, 1),
                            reply -> {
                                if (reply instanceof Reply.Id id) {
                                    pass(id.id(), 1 + own.nextInt(3), own);
                                }
                            });
            return true;
        }
        VolumeInfo there = cluster.meta().truth().volume(name);
        if (there == null) {
            cluster.admin()
                    .submit(
                            new Command.CreateVolume(name, 1 << 20, Durability.FLUSH, 1),
                            reply -> {});
        } else if (!there.deleted()) {
            cluster.admin().submit(new Command.DeleteVolume(there.volumeId(), 2), reply -> {});
        }
        for (VolumeInfo volume : cluster.meta().truth().volumes()) {
            if (volume.deleted() && prng.chance(1, 2)) {
                cluster.admin().submit(new Command.PurgeVolume(volume.volumeId()), reply -> {});
            }
        }
        return true;
    }

    /// A volume that is written to some times, then deleted, then purged.
    private void pass(long volumeId, int fills, Prng prng) {
        cluster.simulation()
                .in(
                        prng.nextLong(100_000_000),
                        () -> {
                            VolumeInfo volume = cluster.meta().truth().volume(volumeId);
                            if (volume == null) {
                                cluster.probe("written-volume-purged", 1);
                                return;
                            }
                            int left = cluster.healed() ? 0 : fills;
                            if (volume.deleted()) {
                                cluster.admin()
                                        .submit(new Command.PurgeVolume(volumeId), reply -> {});
                            } else if (left == 0) {
                                cluster.admin()
                                        .submit(new Command.DeleteVolume(volumeId, 2), reply -> {});
                            } else if (cluster.gateways()
                                    .get(prng.nextInt(cluster.gateways().size()))
                                    .fill(volume, prng)) {
                                left--;
                            }
                            pass(volumeId, left, prng);
                        });
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
