package comet.cli;

import static org.assertj.core.api.Assertions.assertThat;

import comet.cli.FakeAdmin.Outcome;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HealthTest {
    private static final String RECOVERS =
            """
            {"status": "warn", "items": [
                {"level": "warn", "code": "pgs-recovering", "message": "7 are", "passes": true}]}\
            """;
    private static final String STANDS =
            """
            {"status": "warn", "items": [
                {"level": "warn", "code": "maintenance", "message": "node n", "passes": false}]}\
            """;
    private static final String WRONG =
            """
            {"status": "error", "items": [
                {"level": "error", "code": "disk-away", "message": "disk 3", "passes": false}]}\
            """;

    @TempDir Path folder;
    private FakeAdmin admin;

    @BeforeEach
    void start() throws IOException {
        admin = new FakeAdmin(folder);
    }

    @AfterEach
    void stop() {
        admin.close();
    }

    @Test
    void warnings_that_end_by_themselves_are_waited_for_and_others_only_told() {
        admin.says("GET /v1/health", WRONG)
                .says("GET /v1/health", RECOVERS)
                .says("GET /v1/health", STANDS);
        Outcome outcome = admin.run("cluster", "health", "--wait");
        assertThat(outcome.status()).isZero();
        assertThat(outcome.out()).contains("disk-away", "pgs-recovering").endsWith("node n\n");
        assertThat(admin.asked()).hasSize(3);
    }

    @Test
    void waiting_is_bounded() {
        admin.says("GET /v1/health", RECOVERS);
        assertThat(admin.run("cluster", "health", "--wait", "--timeout=0").status()).isEqualTo(1);
        assertThat(admin.run("cluster", "health").status()).isZero();
        assertThat(admin.asked()).hasSize(2);
    }
}
