package comet.cli;

import static org.assertj.core.api.Assertions.assertThat;

import comet.cli.FakeAdmin.Outcome;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WaitOptionsTest {
    private static final String FULL =
            "{\"disks\": [{\"id\": 3, \"node\": \"n1\", \"state\": \"draining\", \"pgsHeld\": 7}]}";
    private static final String GONE =
            "{\"disks\": [{\"id\": 3, \"node\": \"n1\", \"state\": \"removed\", \"pgsHeld\": 0}]}";

    @TempDir Path folder;
    private FakeAdmin admin;

    @BeforeEach
    void start() throws IOException {
        admin = new FakeAdmin(folder).says("POST /v1/disks/3/remove", "{}");
    }

    @AfterEach
    void stop() {
        admin.close();
    }

    @Test
    void what_is_begun_is_waited_for() {
        admin.says("GET /v1/disks", FULL).says("GET /v1/disks", GONE);
        Outcome outcome = admin.run("disk", "remove", "3", "--wait");
        assertThat(outcome.status()).isZero();
        assertThat(outcome.out())
                .isEqualTo("removing disk 3\ndisk 3: 7 placement groups left\nremoved disk 3\n");
    }

    @Test
    void the_time_bounds_every_wait() {
        admin.says("GET /v1/disks", FULL).says("POST /v1/nodes/n1/drain", "{}");
        for (String[] command :
                new String[][] {
                    {"disk", "remove", "3", "--wait", "--timeout=0"},
                    {"node", "drain", "n1", "--wait", "--timeout=0"}
                }) {
            Outcome outcome = admin.run(command);
            assertThat(outcome.status()).isEqualTo(1);
            assertThat(outcome.err()).contains("7 placement groups left; it goes on by itself");
        }
    }

    @Test
    void wrong_times_are_refused_before_anything_is_begun() {
        assertThat(admin.run("disk", "remove", "3", "--timeout=5").status()).isEqualTo(2);
        assertThat(admin.run("disk", "remove", "3", "--wait", "--timeout=-1").status())
                .isEqualTo(2);
        assertThat(admin.asked()).isEmpty();
    }
}
