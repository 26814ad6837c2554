package comet.server.config;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Config of a storage node.
///
/// @param advertise what others are told
/// @param socket unix socket for neighbours on this host
/// @param scrubBytesPerSecond of each disk; 0: never by itself
/// @param group `control` addresses of the metadata group
/// @param meta the member that the node carries, or null
public record NodeConfig(
        String name,
        Path data,
        String domain,
        HostPort listen,
        HostPort advertise,
        Path socket,
        List<DiskConfig> disks,
        JournalConfig journal,
        long scrubBytesPerSecond,
        List<HostPort> group,
        @Nullable GroupConfig meta,
        AdminConfig admin,
        IoConfig io,
        @Nullable Path pidFile) {
    /// @param journal folder of the journal where it is not the disk's own, or null
    /// @param weightBytes share of placement; 0 means the capacity of the device
    /// @param domain where it is not the node's, or null
    public record DiskConfig(
            Path path, @Nullable Path journal, long weightBytes, @Nullable String domain) {}

    public NodeConfig {
        disks = List.copyOf(disks);
        group = List.copyOf(group);
    }

    /// @throws ConfigException where it cannot be used
    public static NodeConfig read(Path configFile, List<String> overrides) {
        ConfigFile file = ConfigFile.read(configFile, Keys.NODE, overrides);
        Path data = file.path("data");
        HostPort listen = file.address("listen");
        Loopback.check(file, "listen", listen);
        HostPort advertise = file.addressOrNull("advertise");
        List<DiskConfig> disks = new ArrayList<>();
        for (ConfigFile disk : file.objects("disks")) {
            disks.add(
                    new DiskConfig(
                            disk.path("path"),
                            disk.pathOrNull("journal"),
                            disk.has("weight") ? disk.bytes("weight", 1, Long.MAX_VALUE) : 0,
                            disk.textOrNull("domain")));
        }
        long distinct = disks.stream().map(DiskConfig::path).distinct().count();
        if (distinct < disks.size()) {
            throw file.refuse("disks", "names one folder twice");
        }
        String name = file.text("name");
        return new NodeConfig(
                name,
                data,
                file.text("domain"),
                listen,
                advertise == null ? listen : advertise,
                data.resolve(file.text("socket")),
                disks,
                JournalConfig.read(file),
                ScrubRate.read(file),
                file.addresses("group"),
                GroupConfig.read(file, name),
                AdminConfig.read(file, data),
                IoConfig.read(file),
                file.pathOrNull("pid-file"));
    }
}
