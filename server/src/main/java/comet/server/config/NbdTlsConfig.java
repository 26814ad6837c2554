package comet.server.config;

import java.nio.file.Path;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/// TLS of the NBD server.
///
/// @param clientCa null: any client may connect
public record NbdTlsConfig(
        Mode mode, @Nullable Path certificate, @Nullable Path key, @Nullable Path clientCa) {
    /// What clients over TCP get. Unix sockets never ask for TLS.
    public enum Mode {
        OFF,
        OPTIONAL,
        REQUIRED
    }

    /// @param prefix of the keys: `nbd.tls`, or `nbd-tls`
    static NbdTlsConfig read(ConfigFile file, String prefix) {
        Mode mode =
                switch (file.text(prefix)) {
                    case "off" -> Mode.OFF;
                    case "optional" -> Mode.OPTIONAL;
                    case "required" -> Mode.REQUIRED;
                    default -> throw file.refuse(prefix, "wants off, optional or required");
                };
        NbdTlsConfig tls =
                new NbdTlsConfig(
                        mode,
                        file.pathOrNull(prefix + "-certificate"),
                        file.pathOrNull(prefix + "-key"),
                        file.pathOrNull(prefix + "-client-ca"));
        if (mode != Mode.OFF && (tls.certificate == null || tls.key == null)) {
            throw file.refuse(
                    prefix,
                    "wants a certificate: `%s-certificate` and `%s-key`".formatted(prefix, prefix));
        }
        return tls;
    }

    /// Only clients with a certificate get in, and everything is encrypted.
    public boolean secure() {
        return mode == Mode.REQUIRED && clientCa != null;
    }

    /// As lines of a gateway's config.
    public String lines() {
        StringBuilder lines = new StringBuilder();
        if (mode != Mode.OFF) {
            lines.append("nbd.tls = ").append(mode.name().toLowerCase(Locale.ROOT)).append('\n');
            line(lines, "nbd.tls-certificate", certificate);
            line(lines, "nbd.tls-key", key);
            line(lines, "nbd.tls-client-ca", clientCa);
        }
        return lines.toString();
    }

    private static void line(StringBuilder lines, String key, @Nullable Path path) {
        if (path != null) {
            lines.append(key).append(" = \"").append(path.toAbsolutePath()).append("\"\n");
        }
    }
}
