package comet.server.config;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Config of a gateway.
///
/// @param group `control` addresses of the metadata group
/// @param nbdSocket NBD's unix socket
/// @param nbdListen NBD's TCP address, or null
/// @param tls of NBD over TCP
/// @param exports names of volumes, with `*` at the end for any rest
/// @param idleDetach after the last client
/// @param memoryBytes bound of kept writes
public record GatewayConfig(
        String name,
        Path data,
        List<HostPort> group,
        Path nbdSocket,
        @Nullable HostPort nbdListen,
        NbdTlsConfig tls,
        List<String> exports,
        Duration idleDetach,
        long memoryBytes,
        AdminConfig admin,
        IoConfig io,
        @Nullable Path pidFile) {
    public GatewayConfig {
        group = List.copyOf(group);
        exports = List.copyOf(exports);
    }

    /// @throws ConfigException where it cannot be used
    public static GatewayConfig read(Path configFile, List<String> overrides) {
        ConfigFile file = ConfigFile.read(configFile, Keys.GATEWAY, overrides);
        Path data = file.path("data");
        HostPort listen = file.addressOrNull("nbd.listen");
        NbdTlsConfig tls = NbdTlsConfig.read(file, "nbd.tls");
        Loopback.check(file, "nbd.listen", listen, tls);
        return new GatewayConfig(
                file.text("name"),
                data,
                file.addresses("group"),
                data.resolve(file.text("nbd.socket")),
                listen,
                tls,
                file.texts("exports"),
                file.duration("idle-detach"),
                file.bytes("memory", 16L << 20, 64L << 30),
                AdminConfig.read(file, data),
                IoConfig.read(file),
                file.pathOrNull("pid-file"));
    }
}
