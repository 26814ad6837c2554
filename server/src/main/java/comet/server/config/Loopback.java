package comet.server.config;

import org.jspecify.annotations.Nullable;

/// The rule that nothing listens beyond this machine unless somebody has said that he knows.
final class Loopback {
    private Loopback() {}

    /// The same where TLS may make it safe.
    static void check(ConfigFile file, String path, @Nullable HostPort address, NbdTlsConfig tls) {
        if (address != null && !address.loopback() && !tls.secure() && !file.flag("insecure")) {
            throw file.refuse(
                    path,
                    "is %s, which others can reach: use a loopback address, require TLS and certificates of clients, or say `insecure = true`"
                            .formatted(address));
        }
    }

    static void check(ConfigFile file, String path, @Nullable HostPort address) {
        if (address != null && !address.loopback() && !file.flag("insecure")) {
            throw file.refuse(
                    path,
                    "is %s, which others can reach, and nothing there is encrypted yet: use a loopback address, or say `insecure = true`"
                            .formatted(address));
        }
    }
}
