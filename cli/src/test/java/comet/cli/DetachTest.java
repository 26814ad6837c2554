package comet.cli;

import static org.assertj.core.api.Assertions.assertThat;

import comet.cli.FakeAdmin.Outcome;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DetachTest {
    private static final String DETACH = "POST /v1/volumes/v/detach";

    @TempDir Path folder;
    private FakeAdmin admin;

    @BeforeEach
    void start() throws IOException {
        admin =
                new FakeAdmin(folder)
                        .says(
                                "GET /v1/gateway/volumes",
                                "{\"volumes\": [{\"name\": \"w\", \"waitsFor\": \"disk 1\"},"
                                        + "{\"name\": \"v\", \"waitsFor\": \"disk 3\"}]}");
    }

    @AfterEach
    void stop() {
        admin.close();
    }

    @Test
    void nothing_is_told_where_it_is_quick() {
        admin.says(DETACH, "{}");
        Outcome outcome = admin.run("volume", "detach", "v");
        assertThat(outcome.status()).isZero();
        assertThat(outcome.err()).isEmpty();
        assertThat(admin.asked()).containsExactly(DETACH + " {\"force\":false}");
    }

    @Test
    void what_is_waited_for_is_told_once_with_what_helps() {
        admin.says(DETACH, 409, "{\"code\": \"no-answer\", \"message\": \"not yet\"}", 3000);
        Outcome outcome = admin.run("volume", "detach", "v");
        assertThat(outcome.status()).isEqualTo(1);
        assertThat(outcome.err())
                .startsWith("volume v is flushed first, which waits for disk 3 ...\n")
                .contains("volume detach v --force` ends it without")
                .endsWith("comet: not yet\n");
        assertThat(admin.asked()).hasSize(2);
    }
}
