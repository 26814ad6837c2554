package comet.server.admin;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/// The described routes are the routes.
class OpenApiTest {
    @Test
    void every_route_is_described_and_every_described_route_exists() throws IOException {
        assertThat(described()).isEqualTo(routed());
    }

    private static TreeSet<String> routed() throws IOException {
        Path folder = Path.of("src/main/java/comet/server/admin");
        String code =
                Files.readString(folder.resolve("AdminRoutes.java"))
                        + Files.readString(folder.resolve("ChangeRoutes.java"))
                        + Files.readString(folder.resolve("MemberRoutes.java"))
                        + Files.readString(folder.resolve("ForceRoutes.java"));
        Matcher route =
                Pattern.compile("routes\\.(get|post|delete|put)\\(\\s*\"([^\"]+)\"").matcher(code);
        TreeSet<String> routes = new TreeSet<>();
        while (route.find()) {
            routes.add(route.group(1) + " " + route.group(2));
        }
        return routes;
    }

    private static TreeSet<String> described() throws IOException {
        TreeSet<String> routes = new TreeSet<>();
        String path = "";
        for (String line : Files.readAllLines(Path.of("../docs/openapi.yaml"))) {
            Matcher start = Pattern.compile("  (/\\S+):").matcher(line);
            Matcher verb = Pattern.compile("    (get|post|delete|put):.*").matcher(line);
            if (start.matches()) {
                path = start.group(1);
            } else if (verb.matches() && !path.isEmpty()) {
                routes.add(verb.group(1) + " " + path);
            }
        }
        return routes;
    }
}
