package comet.cli;

import static org.assertj.core.api.Assertions.assertThat;

import comet.cli.FakeAdmin.Outcome;
import java.io.IOException;
import java.nio.file.Path;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ForceTest {
    private static final String LOSS =
            """
            {"pg": 4, "needed": true, "goesOnFrom": 2, "copies": [], "volumes": [
                {"name": "v", "chunks": 3, "of": 9}]}\
            """;

    @TempDir Path folder;
    private FakeAdmin admin;

    @BeforeEach
    void start() throws IOException {
        admin =
                new FakeAdmin(folder)
                        .says("GET /v1/pgs/4/loss", LOSS)
                        .says("POST /v1/force-available", "{}");
    }

    @AfterEach
    void stop() {
        admin.close();
    }

    private static String stuck(int volumes, String withoutCopy) {
        String all =
                IntStream.range(0, volumes)
                        .mapToObj(i -> "{\"name\": \"v%d\", \"chunks\": 1, \"of\": 9}".formatted(i))
                        .collect(Collectors.joining(","));
        return "{\"pgs\": [4, 5], \"withoutCopy\": [%s], \"volumes\": [%s]}"
                .formatted(withoutCopy, all);
    }

    @Test
    void volumes_of_all_groups_of_a_disk_are_named_but_not_without_end() {
        admin.says("GET /v1/disks/1/stuck", stuck(25, ""));
        Outcome outcome = admin.run("pg", "force-available", "--disk", "1");
        assertThat(outcome.status()).isEqualTo(1);
        assertThat(outcome.out())
                .startsWith("2 placement groups of disk 1 wait\n")
                .contains("  volume v19: at most 1 of its 9 chunks")
                .endsWith("  and 5 more volumes\n")
                .doesNotContain("volume v20", "volume v:");
        assertThat(admin.asked()).noneMatch(one -> one.startsWith("POST"));
    }

    @Test
    void empty_is_refused_where_it_would_not_count() {
        admin.says("GET /v1/disks/1/stuck", stuck(1, ""))
                .says("GET /v1/disks/2/stuck", stuck(1, "5"));
        String force = "force-available";
        for (String[] which : new String[][] {{"4"}, {"--disk", "1"}}) {
            String[] command = new String[4 + which.length];
            System.arraycopy(
                    new String[] {"pg", force, "--empty", "--accept-data-loss"}, 0, command, 0, 4);
            System.arraycopy(which, 0, command, 4, which.length);
            Outcome outcome = admin.run(command);
            assertThat(outcome.status()).isEqualTo(1);
            assertThat(outcome.err()).contains("an old copy lives").contains("--empty is for");
        }
        assertThat(admin.asked()).noneMatch(one -> one.startsWith("POST"));
        Outcome mixed = admin.run("pg", force, "--empty", "--accept-data-loss", "--disk", "2");
        assertThat(mixed.status()).isZero();
        assertThat(mixed.out()).contains("1 of them have no copy that lives");
        assertThat(admin.asked()).anyMatch(one -> one.startsWith("POST"));
    }
}
