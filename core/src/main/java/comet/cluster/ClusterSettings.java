package comet.cluster;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Objects;

/// The cluster's settings at one revision of the map: what was set, else the defaults.
public final class ClusterSettings {
    public static final ClusterSettings DEFAULTS = new ClusterSettings(List.of());

    private final List<SettingValue> set;
    private final EnumMap<ClusterSetting, Long> values = new EnumMap<>(ClusterSetting.class);

    /// @param set those that were set; keys that are not known here are kept and mean nothing
    public ClusterSettings(List<SettingValue> set) {
        this.set = List.copyOf(set);
        for (ClusterSetting setting : ClusterSetting.values()) {
            values.put(setting, setting.value(text(setting)));
        }
    }

    /// In the unit of the setting's kind.
    public long of(ClusterSetting setting) {
        return Objects.requireNonNull(values.get(setting));
    }

    /// As people write it.
    public String text(ClusterSetting setting) {
        for (SettingValue one : set) {
            if (one.key().equals(setting.key())) {
                return one.value();
            }
        }
        return setting.defaultText();
    }

    /// Those that were set, in the order of their keys.
    public List<SettingValue> set() {
        return set;
    }

    /// With one of them changed.
    public ClusterSettings with(SettingValue change) {
        ArrayList<SettingValue> next = new ArrayList<>(set);
        next.removeIf(one -> one.key().equals(change.key()));
        if (!change.value().isEmpty()) {
            next.add(change);
        }
        next.sort((a, b) -> a.key().compareTo(b.key()));
        return new ClusterSettings(next);
    }
}
