package comet.server.admin;

import comet.cluster.ClusterSetting;
import comet.cluster.ClusterSettings;
import comet.cluster.Command;
import comet.cluster.SettingValue;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// Settings of the cluster, as the API offers them.
final class Settings {
    private final GroupAccess group;

    Settings(GroupAccess group) {
        this.group = group;
    }

    /// @param isSet whether it has another value than the default
    record SettingView(
            String key, String value, boolean isSet, String defaultValue, String meaning) {}

    List<SettingView> list() {
        return group.read(map -> views(map.settings()));
    }

    private static List<SettingView> views(ClusterSettings settings) {
        List<SettingView> views = new ArrayList<>();
        for (ClusterSetting setting : ClusterSetting.values()) {
            boolean isSet =
                    settings.set().stream().anyMatch(one -> one.key().equals(setting.key()));
            views.add(
                    new SettingView(
                            setting.key(),
                            settings.text(setting),
                            isSet,
                            setting.defaultText(),
                            setting.help()));
        }
        return views;
    }

    /// @param changes values by keys; an empty value is the default
    List<SettingView> change(Map<String, @Nullable String> changes) {
        List<SettingValue> values = new ArrayList<>();
        new TreeMap<>(changes)
                .forEach((key, value) ->
                        values.add(new SettingValue(key, value == null ? "" : value.strip())));
        group.submit(new Command.ChangeSettings(values));
        return list();
    }
}
