package comet.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class ClusterSettingTest {
    @Test
    void defaults_are_values_and_keys_are_found() {
        for (ClusterSetting setting : ClusterSetting.values()) {
            assertThat(setting.fault(setting.defaultText())).as(setting.key()).isNull();
            assertThat(ClusterSetting.of(setting.key())).isEqualTo(setting);
        }
        assertThat(ClusterSetting.of("recovery-shar")).isNull();
        assertThat(ClusterSettings.DEFAULTS.of(ClusterSetting.RECOVERY_SHARE)).isEqualTo(80);
    }

    @Test
    void percentages_and_bytes_are_read_with_their_units() {
        assertThat(ClusterSetting.RECOVERY_SHARE.value("35%")).isEqualTo(35);
        assertThat(ClusterSetting.RECOVERY_RATE.value("200M")).isEqualTo(200L << 20);
        assertThat(ClusterSetting.RECOVERY_RATE.value("1g")).isEqualTo(1L << 30);
        assertThat(ClusterSetting.RECOVERY_RATE.value("4096")).isEqualTo(4096);
        assertThat(ClusterSetting.REBUILD_AFTER.value("90s")).isEqualTo(90);
        assertThat(ClusterSetting.REBUILD_AFTER.value("0")).isZero();
        assertThat(ClusterSettings.DEFAULTS.of(ClusterSetting.REBUILD_AFTER)).isEqualTo(900);
        assertThat(ClusterSetting.REBALANCE.value("off")).isZero();
        assertThat(ClusterSetting.REBALANCE.value("ON")).isEqualTo(1);
    }

    @Test
    void what_is_no_value_is_said_and_counts_as_the_default() {
        for (String bad :
                List.of(
                        "",
                        "%",
                        "70",
                        "-5%",
                        "7 0%",
                        "x%",
                        "96%",
                        "7.5%",
                        "99999999999999999999%")) {
            assertThat(ClusterSetting.RECOVERY_SHARE.fault(bad)).as(bad).isNotNull();
            assertThat(ClusterSetting.RECOVERY_SHARE.value(bad)).as(bad).isEqualTo(80);
        }
        for (String bad : List.of("", "K", "1P", "-1", "2T", "999999999999999999T", "१K")) {
            assertThat(ClusterSetting.RECOVERY_RATE.fault(bad)).as(bad).isNotNull();
        }
        for (String bad : List.of("", "0", "1", "yes", "onn")) {
            assertThat(ClusterSetting.REBALANCE.fault(bad)).as(bad).isNotNull();
            assertThat(ClusterSetting.REBALANCE.value(bad)).as(bad).isEqualTo(1);
        }
        assertThat(ClusterSetting.RECOVERY_SHARE.fault("96%"))
                .isEqualTo("recovery-share is 0% to 95%, not 96%");
        assertThat(ClusterSetting.RECOVERY_RATE.fault("2T"))
                .isEqualTo("recovery-rate is 0 to 1T, not 2T");
    }

    @Test
    void a_change_replaces_and_an_empty_one_takes_back() {
        ClusterSettings settings =
                ClusterSettings.DEFAULTS
                        .with(new SettingValue("recovery-share", "50%"))
                        .with(new SettingValue("recovery-rate", "1M"))
                        .with(new SettingValue("recovery-share", "40%"));
        assertThat(settings.set())
                .containsExactly(
                        new SettingValue("recovery-rate", "1M"),
                        new SettingValue("recovery-share", "40%"));
        assertThat(settings.of(ClusterSetting.RECOVERY_SHARE)).isEqualTo(40);
        assertThat(settings.with(new SettingValue("recovery-share", "")).set())
                .containsExactly(new SettingValue("recovery-rate", "1M"));
    }
}
