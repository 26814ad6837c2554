package comet.server.log;

import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.IThrowableProxy;
import ch.qos.logback.classic.spi.ThrowableProxyUtil;
import ch.qos.logback.core.LayoutBase;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;

/// `2026-01-31T12:00:00.123Z INFO node event=listening address=127.0.0.1:7491`: time, level, the
/// class that speaks, then `key=value` pairs. An exception is `error="…"` on the same line; its
/// stack trace follows only with `--debug`.
final class LogLine extends LayoutBase<ILoggingEvent> {
    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'", Locale.ROOT)
                    .withZone(ZoneOffset.UTC);

    static volatile boolean debug;

    @Override
    public String doLayout(ILoggingEvent event) {
        String logger = event.getLoggerName();
        StringBuilder line = new StringBuilder(160);
        line.append(TIME.format(Instant.ofEpochMilli(event.getTimeStamp()))).append(' ');
        line.append("%-5s ".formatted(event.getLevel()));
        line.append(logger.substring(logger.lastIndexOf('.') + 1)).append("  ");
        line.append(oneLine(event.getFormattedMessage()));
        IThrowableProxy thrown = event.getThrowableProxy();
        if (thrown != null) {
            line.append(" error=\"").append(causes(thrown)).append('"');
        }
        line.append('\n');
        if (thrown != null && debug) {
            line.append(ThrowableProxyUtil.asString(thrown)).append('\n');
        }
        return line.toString();
    }

    private static String causes(IThrowableProxy thrown) {
        StringBuilder text = new StringBuilder();
        IThrowableProxy at = thrown;
        for (int depth = 0; at != null && depth < 4; depth++) {
            String name = at.getClassName();
            text.append(depth == 0 ? "" : "; because ")
                    .append(name.substring(name.lastIndexOf('.') + 1))
                    .append(": ")
                    .append(at.getMessage());
            at = at.getCause();
        }
        return oneLine(text.toString()).replace('"', '\'');
    }

    private static String oneLine(String text) {
        return text.indexOf('\n') < 0 && text.indexOf('\r') < 0
                ? text
                : text.replace('\r', ' ').replace("\n", " | ");
    }
}
