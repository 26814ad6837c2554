package comet.server.admin;

import comet.server.config.AdminConfig;
import comet.server.config.HostPort;
import io.javalin.Javalin;
import io.javalin.http.Context;
import io.javalin.http.HttpResponseException;
import java.io.IOException;
import java.io.InputStream;
import java.net.BindException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.unixdomain.server.UnixDomainServerConnector;
import org.eclipse.jetty.util.thread.QueuedThreadPool;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.json.JsonMapper;

/// HTTP for the admin API: a unix socket that only its owner can open, and TCP with a token.
public final class AdminServer implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(AdminServer.class);
    private static final long REQUEST_BYTES_MAX = 64 << 10;
    private static final long READ_OUT_BYTES_MAX = 4 << 20;

    private static final JsonMapper JSON = JsonMapper.shared();

    /// What the kernel's sockaddr_un holds, without the closing zero.
    private static final int SOCKET_PATH_BYTES_MAX = 107;

    private final Javalin javalin;
    private final @Nullable ServerConnector tcp;

    private AdminServer(Javalin javalin, @Nullable ServerConnector tcp) {
        this.javalin = javalin;
        this.tcp = tcp;
    }

    /// @throws IOException where it cannot listen; the message is for people
    public static AdminServer start(AdminConfig config, Admin admin) throws IOException {
        clear(config.socket());
        Token token = config.listen() == null ? null : Token.in(config.tokenFile());
        AdminRoutes routes = new AdminRoutes(admin);
        Connectors connectors = new Connectors(config);
        Javalin javalin =
                Javalin.create(c -> {
                    c.startup.showJavalinBanner = false;
                    c.startup.showOldJavalinVersionWarning = false;
                    c.startup.startupWatcherEnabled = false;
                    c.http.maxRequestSize = REQUEST_BYTES_MAX;
                    c.jetty.threadPool = threads();
                    c.jetty.modifyServer(connectors::addTo);
                    c.routes.before(request -> guard(request, token));
                    c.routes.exception(AdminException.class, AdminServer::answer);
                    c.routes.exception(HttpResponseException.class, AdminServer::answer);
                    c.routes.exception(Exception.class, AdminServer::answer);
                    routes.register(c.routes);
                });
        try {
            javalin.start();
            Files.setPosixFilePermissions(
                    config.socket(), PosixFilePermissions.fromString("rw-------"));
        } catch (RuntimeException e) {
            stopQuietly(javalin);
            throw new IOException(reason(config, e), e);
        }
        return new AdminServer(javalin, connectors.tcp);
    }

    private static QueuedThreadPool threads() {
        QueuedThreadPool pool = new QueuedThreadPool(16, 2);
        pool.setName("admin");
        pool.setDaemon(true);
        return pool;
    }

    /// The port in use over TCP, 0 without one.
    public int port() {
        return tcp == null ? 0 : tcp.getLocalPort();
    }

    @Override
    public void close() {
        stopQuietly(javalin);
    }

    private static void stopQuietly(Javalin javalin) {
        try {
            javalin.stop();
        } catch (RuntimeException e) {
            LOG.debug("event=admin-stop", e);
        }
    }

    private static String reason(AdminConfig config, Throwable thrown) {
        for (Throwable cause = thrown; cause != null; cause = cause.getCause()) {
            if (cause instanceof BindException && config.listen() != null) {
                return "the admin API cannot listen on %s: %s. Choose another port with --admin"
                        .formatted(config.listen(), cause.getMessage());
            }
        }
        return "the admin API cannot start: " + thrown.getMessage();
    }

    /// Makes room for the socket: one that a killed process has left behind is deleted.
    private static void clear(Path socket) throws IOException {
        if (socket.toString().length() > SOCKET_PATH_BYTES_MAX) {
            throw new IOException(
                    "the path of the socket %s is longer than %d bytes, which the kernel does not take: use a shorter data folder"
                            .formatted(socket, SOCKET_PATH_BYTES_MAX));
        }
        if (Files.exists(socket, LinkOption.NOFOLLOW_LINKS)) {
            if (Files.isRegularFile(socket) || Files.isDirectory(socket)) {
                throw new IOException(socket + " is in the way: it is no socket");
            }
            Files.delete(socket);
        }
    }

    /// The listeners, made when the HTTP server is.
    private static final class Connectors {
        private final AdminConfig config;
        private @Nullable ServerConnector tcp;

        Connectors(AdminConfig config) {
            this.config = config;
        }

        void addTo(Server server) {
            HttpConnectionFactory unixHttp = new HttpConnectionFactory();
            unixHttp.getHttpConfiguration().setSendServerVersion(false);
            UnixDomainServerConnector unix = new UnixDomainServerConnector(server, 1, 1, unixHttp);
            unix.setName("unix");
            unix.setUnixDomainPath(config.socket());
            server.addConnector(unix);
            HostPort listen = config.listen();
            if (listen != null) {
                HttpConnectionFactory tcpHttp = new HttpConnectionFactory();
                tcpHttp.getHttpConfiguration().setSendServerVersion(false);
                ServerConnector connector = new ServerConnector(server, 1, 1, tcpHttp);
                connector.setName("tcp");
                connector.setHost(listen.host());
                connector.setPort(listen.port());
                server.addConnector(connector);
                tcp = connector;
            }
        }
    }

    /// Over TCP a token is wanted, and the names by which a browser came must be this machine's, so
    /// that no page of somebody else can speak to us.
    private static void guard(Context c, @Nullable Token token) {
        if (!(c.req().getLocalPort() > 0) || token == null) {
            return;
        }
        String host = c.header("Host");
        if (host == null || !allowed(host, c)) {
            throw AdminException.forbidden(
                    421, "wrong-host", "this is not the host `%s`".formatted(host));
        }
        String origin = c.header("Origin");
        if (origin != null && !origin.equals("http://" + host)) {
            throw AdminException.forbidden(
                    403, "wrong-origin", "pages of %s may not ask here".formatted(origin));
        }
        if (!token.grants(c.header("Authorization"))) {
            throw AdminException.forbidden(
                    401, "unauthorized", "the token is missing or wrong (admin.token)");
        }
    }

    private static boolean allowed(String host, Context c) {
        int port = c.req().getLocalPort();
        String address = c.req().getLocalAddr();
        String bracketed = address.indexOf(':') >= 0 ? "[" + address + "]" : address;
        return List.of(
                        "localhost:" + port,
                        "127.0.0.1:" + port,
                        "[::1]:" + port,
                        bracketed + ":" + port)
                .contains(host);
    }

    private static void answer(AdminException e, Context c) {
        answer(c, e.httpStatus(), e.code(), e.text());
    }

    private static void answer(HttpResponseException e, Context c) {
        boolean unknown = e.getStatus() == 404;
        String message = unknown ? "there is nothing at " + c.path() : e.getMessage();
        answer(c, e.getStatus(), unknown ? "unknown-path" : "bad-request", "" + message);
    }

    /// Where a part of the request is left unread Jetty ends the connection, and a client that is
    /// sending, or has its next request under way on it, hears of no answer.
    private static void readOut(Context c) {
        byte[] buffer = new byte[16 << 10];
        long left = READ_OUT_BYTES_MAX;
        try (InputStream in = c.bodyInputStream()) {
            for (int n = in.read(buffer); n > 0 && left > 0; n = in.read(buffer)) {
                left -= n;
            }
        } catch (IOException e) {
            LOG.debug("event=request-cut-off path={}", c.path(), e);
        }
    }

    private static void answer(Exception e, Context c) {
        LOG.error("event=request-failed method={} path={}", c.method(), c.path(), e);
        answer(c, 500, "internal", "an error of Comet itself, see its log: " + e);
    }

    private static void answer(Context c, int status, String code, String message) {
        readOut(c);
        c.status(status)
                .contentType("application/json")
                .result(JSON.writeValueAsBytes(Map.of("code", code, "message", message)));
    }
}
