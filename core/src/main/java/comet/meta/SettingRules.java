package comet.meta;

import comet.cluster.ClusterSetting;
import comet.cluster.ClusterSettings;
import comet.cluster.Command;
import comet.cluster.SettingValue;

/// What the operator sets for the whole cluster: all changes of a command or none.
final class SettingRules {
    private SettingRules() {}

    static Decision change(Draft draft, Command.ChangeSettings command) {
        ClusterSettings settings = draft.state.settings();
        for (SettingValue change : command.changes()) {
            ClusterSetting setting = ClusterSetting.of(change.key());
            if (setting == null) {
                return draft.refused(
                        "unknown-setting",
                        "there is no setting " + change.key() + "; see `comet cluster settings`");
            }
            String fault = change.value().isEmpty() ? null : setting.fault(change.value());
            if (fault != null) {
                return draft.refused("invalid-setting", fault);
            }
            settings = settings.with(change);
        }
        if (!settings.set().equals(draft.state.settings().set())) {
            draft.add(new GroupRecord.SettingsSet(settings.set()));
        }
        return draft.done();
    }
}
