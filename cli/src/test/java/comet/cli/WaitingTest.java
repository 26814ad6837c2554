package comet.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class WaitingTest {
    private static final long SECOND_NS = 1_000_000_000;

    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private final PrintStream out = new PrintStream(bytes, true, StandardCharsets.UTF_8);

    private String printed() {
        return bytes.toString(StandardCharsets.UTF_8);
    }

    @Test
    void a_log_gets_a_line_whenever_something_changes() {
        Waiting waiting = new Waiting(out, false, 0);
        waiting.show("a", "health error\n", 9, "groups", SECOND_NS);
        waiting.show("a", "health error\n", 8, "groups", 2 * SECOND_NS);
        waiting.show("b", "health warn\n", 7, "groups", 3 * SECOND_NS);
        waiting.end("health ok\n");
        assertThat(printed()).isEqualTo("health error\nhealth warn\nhealth ok\n");
    }

    @Test
    void an_outcome_that_was_said_already_is_not_repeated_in_a_log() {
        Waiting waiting = new Waiting(out, false, 0);
        waiting.show("a", "health error\n", 0, "groups", SECOND_NS);
        waiting.end("health error\n");
        assertThat(printed()).isEqualTo("health error\n");
    }

    @Test
    void a_terminal_gets_one_line_with_rate_and_time_left() {
        Waiting waiting = new Waiting(out, true, 0);
        waiting.show("disk 3 recovers", "", 1000, "groups", SECOND_NS);
        assertThat(printed()).isEqualTo("\r\033[K0:01  disk 3 recovers");
        bytes.reset();
        waiting.show("disk 3 recovers", "", 800, "groups", 3 * SECOND_NS);
        assertThat(printed())
                .isEqualTo("\r\033[K0:03  800 groups left, 100/s, about 0:08  disk 3 recovers");
        bytes.reset();
        waiting.end("health ok\n");
        assertThat(printed()).isEqualTo("\r\033[Khealth ok\n");
    }
}
