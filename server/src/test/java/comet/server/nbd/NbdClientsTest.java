package comet.server.nbd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// The scripts with real clients, against devices in memory. The same scripts run against volumes.
class NbdClientsTest {
    private static final Path SCRIPTS = scripts();

    /// Exit status of a script whose client is not installed.
    private static final int CANNOT = 77;

    private static MemoryNbdServer server;
    private static int port;
    private static Path socket;

    @BeforeAll
    static void serve(@TempDir Path folder) throws Exception {
        server = new MemoryNbdServer("auto", NbdLimits.DEFAULT);
        server.add("disk0", 64 << 20, false);
        server.add("frozen", 16 << 20, true).fill(0, 1 << 20, 7);
        port = server.listenTcp();
        socket = folder.resolve("nbd.sock");
        server.listenUnix(socket);
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    private static Path scripts() {
        Path folder = Path.of("").toAbsolutePath();
        while (!Files.isDirectory(folder.resolve("it/nbd"))) {
            folder = folder.getParent();
        }
        return folder.resolve("it/nbd");
    }

    static Stream<String> names() throws Exception {
        try (Stream<Path> files = Files.list(SCRIPTS)) {
            return files
                    .map(file -> file.getFileName().toString())
                    .filter(name -> name.endsWith(".sh") && !name.equals("lib.sh"))
                    .sorted()
                    .toList()
                    .stream();
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("names")
    void over_a_unix_socket(String name, @TempDir Path folder) throws Exception {
        run(name, folder, "nbd+unix:///%s?socket=" + socket);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("names")
    void over_tcp(String name, @TempDir Path folder) throws Exception {
        run(name, folder, "nbd://127.0.0.1:" + port + "/%s");
    }

    private static void run(String name, Path folder, String uri) throws Exception {
        File output = folder.resolve("output").toFile();
        Process process =
                new ProcessBuilder(
                                List.of(
                                        SCRIPTS.resolve(name).toString(),
                                        uri.formatted("disk0"),
                                        uri.formatted("frozen")))
                        .redirectErrorStream(true)
                        .redirectOutput(output)
                        .start();
        boolean ended = process.waitFor(120, TimeUnit.SECONDS);
        if (!ended) {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
        }
        String said = Files.readString(output.toPath());
        assertThat(ended).as(name + " takes too long: " + said).isTrue();
        assumeTrue(process.exitValue() != CANNOT, said);
        assertThat(process.exitValue()).as(said).isZero();
        assertThat(server.exports.open).isLessThanOrEqualTo(64);
    }
}
