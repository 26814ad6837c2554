package comet.io.net;

import java.nio.file.Path;

/// Where to listen or call: `unix:PATH`, `HOST:PORT` or `[V6-ADDRESS]:PORT`.
public sealed interface Address {
    record Unix(Path path) implements Address {
        /// The longest path that a kernel's socket address holds (sun_path with its closing zero).
        private static final int PATH_BYTES_MAX = 107;

        public Unix {
            if (path.toString().getBytes(java.nio.charset.StandardCharsets.UTF_8).length
                    > PATH_BYTES_MAX) {
                throw new IllegalArgumentException(
                        "the path of a unix socket has at most "
                                + PATH_BYTES_MAX
                                + " bytes: "
                                + path);
            }
        }

        @Override
        public String toString() {
            return "unix:" + path;
        }
    }

    record Tcp(String host, int port) implements Address {
        public Tcp {
            if (port < 0 || port > 65535) {
                throw new IllegalArgumentException("port " + port + " is not in 0 to 65535");
            }
        }

        @Override
        public String toString() {
            return host.indexOf(':') >= 0 ? "[" + host + "]:" + port : host + ":" + port;
        }
    }

    /// @throws IllegalArgumentException with words for people
    static Address parse(String text) {
        if (text.startsWith("unix:")) {
            if (text.length() == 5) {
                throw new IllegalArgumentException("unix: wants a path behind it");
            }
            return new Unix(Path.of(text.substring(5)));
        }
        int colon = text.lastIndexOf(':');
        if (colon <= 0 || colon == text.length() - 1) {
            throw new IllegalArgumentException(
                    "address " + text + " is neither unix:PATH nor HOST:PORT");
        }
        String host = text.substring(0, colon);
        if (host.startsWith("[") && host.endsWith("]")) {
            host = host.substring(1, host.length() - 1);
        }
        try {
            return new Tcp(host, Integer.parseInt(text.substring(colon + 1)));
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(
                    "address " + text + " has no number behind its last colon", e);
        }
    }
}
