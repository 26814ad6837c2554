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

    private static final int LINE_CHARS_MAX = 2000;

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

    /// Names and reasons come from clients, too: none makes a line look like two, moves a
    /// terminal's cursor or fills a page.
    private static String oneLine(String text) {
        boolean plain = text.length() <= LINE_CHARS_MAX;
        for (int i = 0; i < text.length() && plain; i++) {
            plain = !Character.isISOControl(text.charAt(i));
        }
        if (plain) {
            return text;
        }
        StringBuilder clean = new StringBuilder();
        for (int i = 0; i < Math.min(text.length(), LINE_CHARS_MAX); i++) {
            char c = text.charAt(i);
            if (c == '\n') {
                clean.append(" | ");
            } else {
                clean.append(Character.isISOControl(c) ? ' ' : c);
            }
        }
        return text.length() > LINE_CHARS_MAX ? clean.append(" …").toString() : clean.toString();
    }
}
