package comet.server.config;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Config of a member of the metadata group that is a process of its own.
///
/// @param contacts `control` addresses of the metadata group
public record MetaConfig(
        String name,
        Path data,
        GroupConfig group,
        List<HostPort> contacts,
        AdminConfig admin,
        IoConfig io,
        @Nullable Path pidFile) {
    /// @throws ConfigException where it cannot be used
    public static MetaConfig read(Path configFile, List<String> overrides) {
        ConfigFile file = ConfigFile.read(configFile, Keys.META_ALONE, overrides);
        Path data = file.path("data");
        String name = file.text("name");
        GroupConfig group = GroupConfig.read(file, name);
        if (group == null) {
            throw file.refuse("meta.members", "does not name `" + name + "`, this process");
        }
        List<HostPort> contacts = new ArrayList<>(file.addresses(GroupConfig.GROUP));
        if (!group.joins()) {
            group.members().forEach(member -> contacts.add(member.control()));
        }
        return new MetaConfig(
                name,
                data,
                group,
                contacts.stream().distinct().toList(),
                AdminConfig.read(file, data),
                IoConfig.read(file),
                file.pathOrNull("pid-file"));
    }
}
