package comet.server.up;

import comet.io.file.SmallFile;
import comet.server.config.HostPort;
import comet.server.config.NodeConfig;
import comet.server.config.UpConfig;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/// Folders and config files of a cluster of several processes under one data folder:
/// `node-N/node.conf`, `gateway-1/gateway.conf`, `run/NAME.pid`. What exists is kept, ports above
/// all, so that a process can be started again by itself at any time.
final class NodesLayout {
    /// From so many nodes on, that many carry the metadata group.
    private static final int MEMBERS = 3;

    private static final String LOOPBACK = "127.0.0.1";

    private final Path data;
    private final UpConfig up;

    /// A process to start.
    ///
    /// @param role `node` or `gateway`
    /// @param overrides of its config, by `--set`
    record Child(String name, String role, Path config, List<String> overrides) {
        Path folder() {
            Path folder = config.getParent();
            if (folder == null) {
                throw new IllegalStateException("no folder: " + config);
            }
            return folder;
        }
    }

    NodesLayout(UpConfig up) {
        this.up = up;
        data = up.data().toAbsolutePath().normalize();
    }

    /// Writes what is missing.
    ///
    /// @return nodes first, the gateway last
    List<Child> write() {
        try {
            return tryWrite();
        } catch (IOException e) {
            throw new StartException(
                    "cannot write in %s: %s".formatted(data, DataFolder.words(e)), e);
        }
    }

    private List<Child> tryWrite() throws IOException {
        int before = nodesThere();
        if (before > up.nodes()) {
            throw new StartException(
                    "the folder %s holds a cluster of %d nodes: start it with --nodes %d (or more)"
                            .formatted(data, before, before));
        }
        Files.createDirectories(data.resolve("run"));
        List<HostPort> listen = new ArrayList<>();
        List<HostPort> group = new ArrayList<>();
        String members = "";
        if (before > 0) {
            NodeConfig first = NodeConfig.read(nodeConfig(1), List.of());
            group.addAll(first.group());
        }
        List<Integer> ports = freePorts(2 * up.nodes());
        if (before == 0) {
            int count = up.nodes() >= MEMBERS ? MEMBERS : 1;
            StringBuilder text = new StringBuilder();
            for (int i = 1; i <= count; i++) {
                HostPort control = new HostPort(LOOPBACK, ports.get(2 * i - 2));
                group.add(control);
                text.append(
                        "  { name = node-%d, raft = \"%s:%d\", control = \"%s\" }\n"
                                .formatted(i, LOOPBACK, ports.get(2 * i - 1), control));
            }
            members = text.toString();
        }
        List<Child> children = new ArrayList<>();
        for (int i = 1; i <= up.nodes(); i++) {
            listen.add(new HostPort(LOOPBACK, ports.get(2 * i - 2)));
            Path file = nodeConfig(i);
            if (i > before) {
                SmallFile.makeFolder(data.resolve("node-" + i).resolve("disk-1"));
                boolean member = before == 0 && (i <= MEMBERS && up.nodes() >= MEMBERS || i == 1);
                write(file, node(i, listen.get(i - 1), group, member ? members : ""));
            }
            children.add(new Child("node-" + i, "node", file, nodeOverrides()));
        }
        children.add(new Child("gateway-1", "gateway", gateway(group), up.io().overrides(false)));
        return children;
    }

    private Path nodeConfig(int i) {
        return data.resolve("node-" + i).resolve("node.conf");
    }

    private int nodesThere() throws IOException {
        if (!Files.isDirectory(data)) {
            return 0;
        }
        int count = 0;
        try (Stream<Path> files = Files.list(data)) {
            for (Path file : files.toList()) {
                count += Files.exists(file.resolve("node.conf")) ? 1 : 0;
            }
        }
        return count;
    }

    private List<String> nodeOverrides() {
        List<String> overrides = new ArrayList<>(up.io().overrides(true));
        overrides.addAll(up.journal().overrides());
        overrides.addAll(up.scrubOverrides());
        return overrides;
    }

    private String node(int i, HostPort listen, List<HostPort> group, String members) {
        String meta =
                members.isEmpty()
                        ? ""
                        : "meta.members = [\n%s]\nmeta.grace-period = %ds\n"
                                .formatted(members, up.gracePeriod().toSeconds());
        return """
        # Storage node of `comet up --nodes`; every key is described in docs/config.md.
        name = node-%d
        domain = %s
        listen = "%s"
        disks = [ { path = disk-1 } ]
        journal-size = %d
        group = [%s]
        pid-file = "../run/node-%d.pid"
        %s\
        """
                .formatted(
                        i,
                        i % 2 == 1 ? "a" : "b",
                        listen,
                        up.journal().bytes(),
                        addresses(group),
                        i,
                        meta);
    }

    /// The gateway has the addresses of `comet up`; written again where others are asked for.
    private Path gateway(List<HostPort> group) throws IOException {
        Path folder = data.resolve("gateway-1");
        Path file = folder.resolve("gateway.conf");
        SmallFile.makeFolder(folder);
        HostPort nbd = up.nbd();
        if (nbd.port() == 0) {
            HostPort known = knownNbd(file);
            nbd = known == null ? nbd.withPort(freePorts(1).getFirst()) : known;
        }
        String text =
                """
                # Gateway of `comet up --nodes`; every key is described in docs/config.md.
                name = gateway-1
                group = [%s]
                nbd.socket = "../nbd.sock"
                nbd.listen = "%s"
                exports = ["*"]
                insecure = %s
                pid-file = "../run/gateway-1.pid"
                %s\
                """
                        .formatted(
                                addresses(group),
                                nbd,
                                !nbd.loopback() && !up.tls().secure(),
                                up.tls().lines());
        write(file, text);
        return file;
    }

    private static @org.jspecify.annotations.Nullable HostPort knownNbd(Path file) {
        return Files.exists(file)
                ? comet.server.config.GatewayConfig.read(file, List.of()).nbdListen()
                : null;
    }

    private static void write(Path file, String text) throws IOException {
        SmallFile.replace(file, text.getBytes(StandardCharsets.UTF_8));
    }

    private static String addresses(List<HostPort> addresses) {
        return String.join(", ", addresses.stream().map(address -> "\"" + address + "\"").toList());
    }

    /// Ports that nobody listens on now, all different.
    private static List<Integer> freePorts(int count) throws IOException {
        List<ServerSocket> sockets = new ArrayList<>();
        try {
            List<Integer> ports = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
                sockets.add(socket);
                ports.add(socket.getLocalPort());
            }
            return ports;
        } finally {
            for (ServerSocket socket : sockets) {
                socket.close();
            }
        }
    }
}
