package comet.cli;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// One request of HTTP/1.1 to the admin API, over its unix socket or TCP. The JDK's own client
/// knows no unix sockets and takes longer to start than the request itself.
public final class AdminClient {
    private static final int HEAD_BYTES_MAX = 64 << 10;
    private static final int BODY_BYTES_MAX = 256 << 20;
    static final JsonMapper JSON = JsonMapper.shared();

    private final Target target;

    public AdminClient(Target target) {
        this.target = target;
    }

    /// Where the admin API is: a socket's path, or an address with a token.
    public sealed interface Target {
        record Socket(Path path) implements Target {}

        record Tcp(String host, int port, String token) implements Target {}
    }

    /// The API said no, or could not be reached: what happened, to what, what to do.
    public static final class AdminException extends RuntimeException {
        private static final long serialVersionUID = 1L;
        public final String code;

        AdminException(String code, String message, @Nullable Throwable cause) {
            super(message, cause);
            this.code = code;
        }
    }

    /// Whether whoever answers runs on this host, as far as its address tells.
    boolean isSameHost() {
        return switch (target) {
            case Target.Socket _ -> true;
            case Target.Tcp tcp -> NbdAddress.isHere(tcp.host);
        };
    }

    public JsonNode get(String path) {
        return call("GET", path, null);
    }

    public JsonNode post(String path, Object body) {
        return call("POST", path, JSON.writeValueAsString(body));
    }

    public JsonNode delete(String path) {
        return call("DELETE", path, null);
    }

    /// An answer that is not JSON, metrics say.
    public String text(String path) {
        Answer answer = exchange("GET", path, null);
        if (answer.status >= 400) {
            throw new AdminException("error", "HTTP status " + answer.status, null);
        }
        return answer.body;
    }

    private JsonNode call(String method, String path, @Nullable String body) {
        Answer answer = exchange(method, path, body);
        JsonNode json;
        try {
            json = answer.body.isEmpty() ? JSON.createObjectNode() : JSON.readTree(answer.body);
        } catch (tools.jackson.core.JacksonException e) {
            throw new AdminException(
                    "bad-answer", "%s is not Comet's admin API".formatted(place()), e);
        }
        if (answer.status >= 400) {
            throw new AdminException(
                    json.path("code").asString("error"),
                    json.path("message").asString("HTTP status " + answer.status),
                    null);
        }
        return json;
    }

    private Answer exchange(String method, String path, @Nullable String body) {
        try (SocketChannel channel = connect()) {
            send(channel, method, path, body);
            return receive(Channels.newInputStream(channel));
        } catch (IOException e) {
            throw new AdminException(
                    "unreachable",
                    "no answer from the admin API at %s (%s). Is `comet up` or a node running there? Another place is named by --admin or --data"
                            .formatted(place(), reason(e)),
                    e);
        }
    }

    private String place() {
        return switch (target) {
            case Target.Socket socket -> socket.path.toString();
            case Target.Tcp tcp -> tcp.host + ":" + tcp.port;
        };
    }

    private static String reason(IOException e) {
        String message = e.getMessage();
        return message == null ? e.getClass().getSimpleName() : message.toLowerCase(Locale.ROOT);
    }

    private SocketChannel connect() throws IOException {
        return switch (target) {
            case Target.Socket socket -> {
                SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
                try {
                    channel.connect(UnixDomainSocketAddress.of(socket.path));
                } catch (IOException | IllegalArgumentException e) {
                    channel.close();
                    throw new IOException(e.getMessage(), e);
                }
                yield channel;
            }
            case Target.Tcp tcp -> {
                InetSocketAddress address = new InetSocketAddress(tcp.host, tcp.port);
                if (address.isUnresolved()) {
                    throw new IOException("unknown host");
                }
                yield SocketChannel.open(address);
            }
        };
    }

    private void send(SocketChannel channel, String method, String path, @Nullable String body)
            throws IOException {
        byte[] content = body == null ? new byte[0] : body.getBytes(StandardCharsets.UTF_8);
        StringBuilder head = new StringBuilder();
        head.append(method).append(' ').append(path).append(" HTTP/1.1\r\n");
        switch (target) {
            case Target.Socket _ -> head.append("Host: localhost\r\n");
            case Target.Tcp tcp ->
                    head.append("Host: ")
                            .append(tcp.host)
                            .append(':')
                            .append(tcp.port)
                            .append("\r\nAuthorization: Bearer ")
                            .append(tcp.token)
                            .append("\r\n");
        }
        head.append("Connection: close\r\nAccept: application/json\r\n");
        if (body != null) {
            head.append("Content-Type: application/json\r\n");
        }
        head.append("Content-Length: ").append(content.length).append("\r\n\r\n");
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        all.writeBytes(head.toString().getBytes(StandardCharsets.US_ASCII));
        all.writeBytes(content);
        ByteBuffer bytes = ByteBuffer.wrap(all.toByteArray());
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    private record Answer(int status, String body) {}

    private static Answer receive(InputStream in) throws IOException {
        String[] statusLine = readLine(in).split(" ", 3);
        if (statusLine.length < 2 || !statusLine[0].startsWith("HTTP/1.")) {
            throw new IOException("not an HTTP server");
        }
        int status = Integer.parseInt(statusLine[1]);
        long length = -1;
        boolean chunked = false;
        for (String line = readLine(in); !line.isEmpty(); line = readLine(in)) {
            String lower = line.toLowerCase(Locale.ROOT);
            if (lower.startsWith("content-length:")) {
                length = Long.parseLong(lower.substring("content-length:".length()).strip());
            } else if (lower.startsWith("transfer-encoding:") && lower.contains("chunked")) {
                chunked = true;
            }
        }
        byte[] body;
        if (chunked) {
            body = readChunks(in);
        } else if (length >= 0) {
            body = readExactly(in, length);
        } else {
            body = in.readNBytes(BODY_BYTES_MAX);
        }
        return new Answer(status, new String(body, StandardCharsets.UTF_8));
    }

    private static byte[] readChunks(InputStream in) throws IOException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        while (true) {
            String size = readLine(in).split(";", 2)[0].strip();
            int length = Integer.parseInt(size, 16);
            if (length == 0) {
                return all.toByteArray();
            }
            all.writeBytes(readExactly(in, length));
            readLine(in);
        }
    }

    private static byte[] readExactly(InputStream in, long length) throws IOException {
        if (length > BODY_BYTES_MAX) {
            throw new IOException("answer too long");
        }
        byte[] bytes = in.readNBytes((int) length);
        if (bytes.length < length) {
            throw new IOException("connection ended in the middle of the answer");
        }
        return bytes;
    }

    private static String readLine(InputStream in) throws IOException {
        StringBuilder line = new StringBuilder();
        while (true) {
            int c = in.read();
            if (c < 0) {
                throw new IOException("connection ended before the answer");
            }
            if (c == '\n') {
                return line.toString();
            }
            if (c != '\r') {
                line.append((char) c);
            }
            if (line.length() > HEAD_BYTES_MAX) {
                throw new IOException("answer's head too long");
            }
        }
    }
}
