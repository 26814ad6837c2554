package comet.server.config;

import comet.base.Sizes;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Config of `comet up`: flags, over a file where one is named.
///
/// @param tls of NBD over TCP
/// @param sizeBytes of the first volume
/// @param nodes 0: one process
/// @param placementGroups of a new cluster, a power of two
/// @param scrubBytesPerSecond of each disk; 0: never by itself
public record UpConfig(
        Path data,
        HostPort nbd,
        NbdTlsConfig tls,
        HostPort admin,
        long sizeBytes,
        int nodes,
        int placementGroups,
        JournalConfig journal,
        long scrubBytesPerSecond,
        Duration gracePeriod,
        IoConfig io) {
    /// Nodes that one machine may be asked to start.
    static final int NODES_MAX = 64;

    static final String PLACEMENT_GROUPS = "placement-groups";

    /// What tells its nodes of scrubs, as `--set` takes it.
    public List<String> scrubOverrides() {
        return ScrubRate.overrides(scrubBytesPerSecond);
    }

    /// @throws ConfigException where it cannot be used
    public static UpConfig read(@Nullable Path configFile, List<String> overrides) {
        ConfigFile file =
                configFile == null
                        ? ConfigFile.of(Keys.UP, overrides)
                        : ConfigFile.read(configFile, Keys.UP, overrides);
        HostPort nbd = file.address("nbd");
        HostPort admin = file.address("admin");
        NbdTlsConfig tls = NbdTlsConfig.read(file, "nbd-tls");
        Loopback.check(file, "nbd", nbd, tls);
        Loopback.check(file, "admin", admin);
        int nodes = file.integer("nodes", 0, NODES_MAX);
        IoConfig io = IoConfig.read(file);
        if (nodes == 0 && io.loops() > 1) {
            throw file.refuse(IoConfig.LOOPS, "is for `nodes`: one process alone has one loop");
        }
        int placementGroups = file.integer(PLACEMENT_GROUPS, 1, Sizes.PLACEMENT_GROUPS_MAX);
        if (Integer.bitCount(placementGroups) != 1) {
            throw file.refuse(PLACEMENT_GROUPS, "is a power of two, not " + placementGroups);
        }
        return new UpConfig(
                file.path("data"),
                nbd,
                tls,
                admin,
                file.bytes("size", 0, Long.MAX_VALUE),
                nodes,
                placementGroups,
                JournalConfig.read(file),
                ScrubRate.read(file),
                file.duration("grace-period"),
                io);
    }
}
