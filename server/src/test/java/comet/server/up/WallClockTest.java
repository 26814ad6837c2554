package comet.server.up;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/// Clocks are set: nothing that matters may depend on the time of day. Whoever reads it stands
/// here, with what for.
class WallClockTest {
    private static final Map<String, String> READERS =
            Map.ofEntries(
                    Map.entry("server/admin/EventLog.java", "shown beside an event"),
                    Map.entry("server/admin/Volumes.java", "kept with a volume; see Grace"),
                    Map.entry("server/admin/Changes.java", "names an end; see Maintenance"),
                    Map.entry("server/admin/Views.java", "shows what is left"),
                    Map.entry("server/admin/Health.java", "shows who is in maintenance"),
                    Map.entry("server/admin/Scrubbing.java", "kept with an order"),
                    Map.entry("server/up/Purger.java", "for Grace, which looks at it once"),
                    Map.entry("server/up/FirstVolume.java", "kept with a volume"),
                    Map.entry(
                            "server/raft/LookOut.java", "for Maintenance, which looks at it once"),
                    Map.entry("server/raft/MetaMember.java", "shown beside an event"),
                    Map.entry("server/admin/Admin.java", "kept with an export"),
                    Map.entry(
                            "server/up/RecoverCommands.java",
                            "kept with an export, shown beside an event"),
                    Map.entry("server/data/NodeData.java", "kept with what a scrub has found"),
                    Map.entry("server/nbd/NbdTls.java", "warns of a certificate that ends"));

    @Test
    void who_reads_the_time_of_day_is_known() throws IOException {
        TreeSet<String> found = new TreeSet<>();
        for (Path root :
                List.of(Path.of("src/main/java/comet"), Path.of("../io/src/main/java/comet"))) {
            assertThat(root).isDirectory();
            for (Path file : sources(root)) {
                String text = Files.readString(file);
                boolean reads =
                        text.contains("currentTimeMillis")
                                || text.contains("Instant.now(")
                                || text.contains("LocalDateTime.now(")
                                || text.contains("Clock.system");
                if (reads) {
                    found.add(root.relativize(file).toString());
                }
            }
        }
        assertThat(found).containsExactlyInAnyOrderElementsOf(READERS.keySet());
    }

    private static List<Path> sources(Path root) throws IOException {
        try (Stream<Path> files = Files.walk(root)) {
            return new ArrayList<>(files.filter(f -> f.toString().endsWith(".java")).toList());
        }
    }
}
