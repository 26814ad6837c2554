package comet.meta;

import static org.assertj.core.api.Assertions.assertThat;

import comet.cluster.ClusterMap;
import comet.cluster.ClusterSetting;
import comet.cluster.Command;
import comet.cluster.MapUpdate;
import comet.cluster.SettingValue;
import java.util.List;
import org.junit.jupiter.api.Test;

class SettingRulesTest extends GroupRig {
    private static Command change(String... keysAndValues) {
        List<SettingValue> changes = new java.util.ArrayList<>();
        for (int n = 0; n < keysAndValues.length; n += 2) {
            changes.add(new SettingValue(keysAndValues[n], keysAndValues[n + 1]));
        }
        return new Command.ChangeSettings(changes);
    }

    @Test
    void a_setting_is_part_of_the_map_from_then_on() {
        twoDisks();
        assertThat(map.settings().of(ClusterSetting.RECOVERY_SHARE)).isEqualTo(80);
        done(change("recovery-share", "40%", "recovery-rate", "100M"));
        assertThat(map.settings().of(ClusterSetting.RECOVERY_SHARE)).isEqualTo(40);
        assertThat(map.settings().of(ClusterSetting.RECOVERY_RATE)).isEqualTo(100L << 20);
        long revision = group.revision();
        done(change("recovery-share", "40%"));
        assertThat(group.revision()).as("nothing changed").isEqualTo(revision);
        volume("v");
        assertThat(map.settings().text(ClusterSetting.RECOVERY_SHARE)).isEqualTo("40%");
        ClusterMap learned = new ClusterMap();
        learned.apply(new Group(group.image()).changesAfter(0));
        assertThat(learned.settings().set()).isEqualTo(map.settings().set());
        done(change("recovery-share", ""));
        assertThat(map.settings().of(ClusterSetting.RECOVERY_SHARE)).isEqualTo(80);
    }

    @Test
    void what_is_wrong_changes_nothing_of_a_command() {
        twoDisks();
        refused("unknown-setting", change("recovery-rate", "1M", "recovery-shar", "50%"));
        refused("invalid-setting", change("recovery-rate", "1M", "recovery-share", "fast"));
        assertThat(map.settings().set()).isEmpty();
    }

    @Test
    void a_snapshot_from_before_there_were_settings_is_restored() {
        twoDisks();
        GroupImage image = group.image();
        MapUpdate all = image.everything();
        MapUpdate older =
                new MapUpdate(
                        0,
                        all.revision(),
                        all.cluster(),
                        all.nodes(),
                        all.disks(),
                        all.gateways(),
                        all.pgs(),
                        all.volumes(),
                        all.purgedVolumes());
        Group restored =
                new Group(
                        new GroupImage(
                                older,
                                image.nextNodeId(),
                                image.nextDiskId(),
                                image.nextGatewayId(),
                                image.nextVolumeId(),
                                image.diskStarts(),
                                image.gatewayLives(),
                                image.purged(),
                                image.answered(),
                                image.events(),
                                image.members(),
                                image.formerMembers()));
        assertThat(restored.image()).isEqualTo(image);
    }
}
