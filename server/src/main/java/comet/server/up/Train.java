package comet.server.up;

import comet.cli.AdminClient;
import comet.server.config.UpConfig;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/// Run once after a build with the JVM recording what it loads, so that later starts find it ready:
/// small clusters, one in a process and one as of several, are started in a folder of their own,
/// asked, and stopped. All by their command lines, which are a part of a start.
final class Train {
    private static final int ATTEMPTS = 100;

    private Train() {}

    /// @param args the folder, which is deleted at the end
    public static void main(String[] args) throws IOException {
        Path folder = Path.of(args[0]).toAbsolutePath();
        PrintStream nowhere =
                new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8);
        System.setOut(nowhere);
        try {
            one(folder.resolve("one"));
            one(folder.resolve("one"));
            several(folder.resolve("several"));
        } finally {
            delete(folder);
        }
        System.exit(0);
    }

    private static void one(Path data) {
        Life life = life();
        Main.run(
                life,
                "up",
                "--data=" + data,
                "--nbd=127.0.0.1:0",
                "--admin=127.0.0.1:0",
                "--size=1G",
                "--set=journal-size=64M");
        ask(data);
        life.stopOnce();
    }

    /// Two nodes, the first of which carries the group, and a gateway.
    private static void several(Path data) throws IOException {
        List<String> set = new ArrayList<>();
        set.add("data=" + data);
        set.add("nodes=2");
        set.add("nbd=127.0.0.1:0");
        set.add("journal-size=64M");
        List<NodesLayout.Child> children = new NodesLayout(UpConfig.read(null, set)).write();
        List<Life> lives = new ArrayList<>();
        List<Thread> threads = new ArrayList<>();
        for (NodesLayout.Child child : children) {
            Life life = life();
            lives.addFirst(life);
            Runnable start =
                    () -> Main.run(life, child.role(), "--config=" + child.config().toString());
            threads.add(Thread.ofPlatform().daemon().start(start));
        }
        Path first = children.getFirst().folder();
        createCluster(first);
        for (Thread thread : threads) {
            join(thread);
        }
        ask(first);
        lives.forEach(Life::stopOnce);
    }

    private static void createCluster(Path first) {
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
            try {
                client(first).post("/v1/cluster", Map.of());
                return;
            } catch (AdminClient.AdminException e) {
                ProcessCore.pause(100);
            }
        }
        throw new StartException("the cluster cannot be created");
    }

    private static Life life() {
        Life life = new Life();
        life.leave();
        return life;
    }

    private static AdminClient client(Path data) {
        Path socket = data.resolve("admin.sock");
        while (!Files.exists(socket)) {
            ProcessCore.pause(20);
        }
        return new AdminClient(new AdminClient.Target.Socket(socket));
    }

    private static void ask(Path data) {
        AdminClient client = client(data);
        client.get("/v1/cluster");
        client.get("/v1/health");
        client.get("/v1/volumes");
        client.text("/metrics");
    }

    private static void join(Thread thread) {
        try {
            thread.join(Duration.ofSeconds(60));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void delete(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        }
    }
}
