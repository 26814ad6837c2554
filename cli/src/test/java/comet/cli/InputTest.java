package comet.cli;

import static org.assertj.core.api.Assertions.assertThat;

import comet.cli.FakeAdmin.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class InputTest {
    @TempDir Path folder;
    private FakeAdmin admin;

    @BeforeEach
    void start() throws IOException {
        admin = new FakeAdmin(folder).says("GET /v1/cluster/metadata", "map");
    }

    @AfterEach
    void stop() {
        admin.close();
    }

    @Test
    void a_weight_has_a_range() {
        admin.says("POST /v1/disks/1/weight", "{}");
        for (String weight : new String[] {"-1", "0", "9999999999999T", "much"}) {
            Outcome outcome = admin.run("disk", "set-weight", "1", weight);
            assertThat(outcome.status()).as(weight).isEqualTo(2);
            assertThat(outcome.err())
                    .contains("a weight is a size above 0, like 500G or 2T, not `" + weight + "`");
        }
        assertThat(admin.asked()).isEmpty();
        assertThat(admin.run("disk", "set-weight", "1", "2T").out())
                .isEqualTo("disk 1 has weight 2 TiB\n");
    }

    @Test
    void why_a_file_cannot_be_written_is_told() throws IOException {
        Files.createFile(folder.resolve("file"));
        String export = "export-metadata";
        assertThat(admin.run("cluster", export, folder + "/none/x").err())
                .isEqualTo(
                        "comet: cannot write " + folder + "/none/x: no such file or directory\n");
        assertThat(admin.run("cluster", export, folder + "/file/x").err())
                .isEqualTo("comet: cannot write " + folder + "/file/x: not a directory\n");
    }
}
