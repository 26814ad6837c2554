package comet.cli;

import java.io.IOException;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Which of a gateway's addresses for a volume a client on this host can use.
final class NbdAddress {
    private static final String SOCKET = "socket=";

    private NbdAddress() {}

    /// The first one that leads to that gateway from here, or null. Unix sockets and loopback
    /// addresses of a gateway on another host are left out: what answers there on this host is
    /// somebody else.
    ///
    /// @param uris in the order of the gateway, which names its unix socket first
    /// @param sameHost whether the gateway runs on this host
    static @Nullable String usable(List<String> uris, boolean sameHost) {
        for (String text : uris) {
            URI uri;
            try {
                uri = new URI(text);
            } catch (URISyntaxException _) {
                continue;
            }
            String scheme = String.valueOf(uri.getScheme());
            boolean usable =
                    switch (scheme) {
                        case "nbd+unix" -> sameHost && socketIsThere(uri.getQuery());
                        case "nbd" -> sameHost || uri.getHost() != null && !isHere(uri.getHost());
                        default -> false;
                    };
            if (usable) {
                return text;
            }
        }
        return null;
    }

    private static boolean socketIsThere(@Nullable String query) {
        return query != null
                && query.startsWith(SOCKET)
                && Files.exists(Path.of(query.substring(SOCKET.length())));
    }

    /// Whether a name or address is one of this host. One that is unknown is not.
    static boolean isHere(String host) {
        try {
            InetAddress address = InetAddress.getByName(host);
            return address.isLoopbackAddress()
                    || address.isAnyLocalAddress()
                    || NetworkInterface.getByInetAddress(address) != null;
        } catch (IOException _) {
            return false;
        }
    }
}
