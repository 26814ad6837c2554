package comet.server.log;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.LoggingEvent;
import ch.qos.logback.classic.util.LogbackMDCAdapter;
import ch.qos.logback.core.encoder.LayoutWrappingEncoder;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// What clients make a process say: bounded, and each thing one line.
class LogTest {
    private final LoggerContext context = new LoggerContext();
    private final LimitedConsole console = new LimitedConsole();
    private final ByteArrayOutputStream written = new ByteArrayOutputStream();
    private long nowMs = 1_000_000;

    @BeforeEach
    void setUp() {
        context.setMDCAdapter(new LogbackMDCAdapter());
        LogLine line = new LogLine();
        line.setContext(context);
        line.start();
        LayoutWrappingEncoder<ch.qos.logback.classic.spi.ILoggingEvent> encoder =
                new LayoutWrappingEncoder<>();
        encoder.setContext(context);
        encoder.setLayout(line);
        encoder.start();
        console.setContext(context);
        console.setEncoder(encoder);
        console.start();
        console.setOutputStream(written);
    }

    private void log(String message, Object... values) {
        LoggingEvent event =
                new LoggingEvent(
                        "x", context.getLogger("comet.Test"), Level.WARN, message, null, values);
        event.setTimeStamp(nowMs);
        console.doAppend(event);
    }

    private List<String> lines() {
        return written.toString(StandardCharsets.UTF_8).lines().toList();
    }

    @Test
    void a_flood_of_one_kind_leaves_room_for_others_and_is_counted() {
        for (int n = 0; n < 5000; n++) {
            log("event={} {}", "connection-invalid", "peer=" + n);
        }
        log("event={} {}", "disk-opened", "disk=1");
        assertThat(lines()).hasSize(LimitedConsole.LINES_MAX + 1);
        assertThat(lines().getLast()).contains("event=disk-opened disk=1");
        nowMs += LimitedConsole.WINDOW_MS;
        log("event={} {}", "connection-invalid", "peer=again");
        assertThat(lines()).hasSize(LimitedConsole.LINES_MAX + 3);
        assertThat(lines().get(LimitedConsole.LINES_MAX + 1))
                .contains("event=lines-left-out count=4900 kind=\"connection-invalid\"");
        assertThat(lines().getLast()).contains("peer=again");
    }

    @Test
    void what_clients_say_stays_within_its_line() {
        log("event={} {}", "nbd-aborted", "why=\"a\nb\u001b[2J\u0000\u009bé\"");
        log("event={} {}", "nbd-aborted", "x".repeat(100_000));
        assertThat(lines()).hasSize(2);
        assertThat(lines().getFirst()).endsWith("why=\"a | b [2J  é\"");
        assertThat(lines().getLast()).hasSizeLessThan(2100).endsWith("…");
    }
}
