package comet.meta;

import static org.assertj.core.api.Assertions.assertThat;

import comet.cluster.Command;
import comet.cluster.VolumeInfo.Durability;
import comet.cluster.VolumeLimits;
import java.util.List;
import org.junit.jupiter.api.Test;

class VolumeLimitsTest extends GroupRig {
    @Test
    void limits_are_part_of_the_catalogue_and_outlive_other_changes() {
        twoDisks();
        VolumeLimits limits = new VolumeLimits(500, 100 << 20, 10);
        long a = id(new Command.CreateVolume("a", GIB, Durability.FLUSH, 5, limits));
        assertThat(info(a).limits()).isEqualTo(limits);
        long gateway = id(gateway("g", "h"));
        aliveGateways.add(gateway);
        term(new Command.Attach(a, gateway, Command.Attach.Mode.NORMAL));
        done(new Command.ResizeVolume(a, 2 * GIB));
        done(new Command.RenameVolume(a, "b"));
        done(new Command.Migrate(a, 0));
        assertThat(info(a).limits()).isEqualTo(limits);
        done(new Command.Detach(a, gateway, 1, true));
        done(new Command.DeleteVolume(a, 9));
        done(new Command.RestoreVolume(a));
        assertThat(info(a).limits()).isEqualTo(limits);
        assertThat(new Group(group.image()).changesAfter(0).volumes()).isEqualTo(List.of(info(a)));
        done(new Command.LimitVolume(a, VolumeLimits.NONE));
        assertThat(info(a).limits().unlimited()).isTrue();
        long revision = group.revision();
        done(new Command.LimitVolume(a, VolumeLimits.NONE));
        assertThat(group.revision()).isEqualTo(revision);
    }

    @Test
    void what_is_no_limit_is_refused() {
        twoDisks();
        long a = volume("a");
        for (VolumeLimits bad :
                List.of(
                        new VolumeLimits(-1, 0, 0),
                        new VolumeLimits(1L << 40, 0, 0),
                        new VolumeLimits(0, -1, 0),
                        new VolumeLimits(0, 1L << 41, 0),
                        new VolumeLimits(0, 0, -1),
                        new VolumeLimits(0, 0, 3601))) {
            refused("invalid-limits", new Command.LimitVolume(a, bad));
            refused("invalid-limits", new Command.CreateVolume("b", GIB, Durability.FLUSH, 5, bad));
        }
        refused("unknown-volume", new Command.LimitVolume(99, VolumeLimits.NONE));
    }
}
