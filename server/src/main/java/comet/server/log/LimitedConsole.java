package comet.server.log;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.LoggingEvent;
import ch.qos.logback.core.ConsoleAppender;
import java.util.LinkedHashMap;
import java.util.Map;

/// Writes at most [#LINES_MAX] lines of one kind within [#WINDOW_MS], then says how many it has
/// left out: a hostile client or a broken disk must not fill the device that logs lie on. Lines are
/// of one kind that have the same `event=` or, without one, the same text before its values are put
/// in.
final class LimitedConsole extends ConsoleAppender<ILoggingEvent> {
    static final int LINES_MAX = 100;
    static final long WINDOW_MS = 10_000;

    private final Map<String, Integer> counts = new LinkedHashMap<>();
    private long windowStartMs = Long.MIN_VALUE;

    @Override
    protected void append(ILoggingEvent event) {
        if (admits(event)) {
            super.append(event);
        }
    }

    private synchronized boolean admits(ILoggingEvent event) {
        long nowMs = event.getTimeStamp();
        if (nowMs >= windowStartMs + WINDOW_MS || nowMs < windowStartMs) {
            counts.forEach((kind, count) -> tell(kind, count - LINES_MAX, event));
            counts.clear();
            windowStartMs = nowMs;
        }
        return counts.merge(kind(event), 1, Integer::sum) <= LINES_MAX;
    }

    private static String kind(ILoggingEvent event) {
        String message = event.getMessage();
        Object[] values = event.getArgumentArray();
        return message.startsWith("event={}") && values != null && values.length > 0
                ? String.valueOf(values[0])
                : message;
    }

    private void tell(String kind, int leftOut, ILoggingEvent because) {
        if (leftOut > 0 && getContext() instanceof LoggerContext context) {
            Logger logger = context.getLogger(LimitedConsole.class);
            LoggingEvent line =
                    new LoggingEvent(
                            LimitedConsole.class.getName(),
                            logger,
                            Level.WARN,
                            "event=lines-left-out count={} kind=\"{}\"",
                            null,
                            new Object[] {leftOut, kind});
            line.setTimeStamp(because.getTimeStamp());
            super.append(line);
        }
    }
}
