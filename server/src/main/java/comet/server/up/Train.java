package comet.server.up;

import comet.server.config.UpConfig;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/// Run once after a build with the JVM recording what it loads, so that later starts find it ready:
/// a small cluster is started in a folder of its own, and stopped.
final class Train {
    private Train() {}

    /// @param args the folder, which is deleted at the end
    public static void main(String[] args) throws IOException {
        Path folder = Path.of(args[0]).toAbsolutePath();
        Life life = new Life();
        life.leave();
        try {
            for (int i = 0; i < 2; i++) {
                System.setOut(
                        new PrintStream(
                                OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8));
                UpProcess.start(
                        UpConfig.read(
                                null,
                                List.of(
                                        "data=" + folder,
                                        "nbd=127.0.0.1:0",
                                        "admin=127.0.0.1:0",
                                        "journal-size=64M",
                                        "size=1G")),
                        life);
                life.stopOnce();
                life.leave();
            }
        } finally {
            delete(folder);
        }
        System.exit(0);
    }

    private static void delete(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        }
    }
}
