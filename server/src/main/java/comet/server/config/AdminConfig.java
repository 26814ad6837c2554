package comet.server.config;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/// Where the admin API of a process listens.
///
/// @param socket its unix socket
/// @param listen its TCP address, or null
/// @param tokenFile where the token for TCP is kept
public record AdminConfig(Path socket, @Nullable HostPort listen, Path tokenFile) {
    static AdminConfig read(ConfigFile file, Path data) {
        HostPort listen = file.addressOrNull("admin.listen");
        Loopback.check(file, "admin.listen", listen);
        return new AdminConfig(
                data.resolve(file.text("admin.socket")), listen, data.resolve("admin.token"));
    }
}
