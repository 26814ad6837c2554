package comet.server.admin;

import comet.port.Events;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// What happened in this process: one line of log each, the last ones kept for `cluster events
/// --processes`. For any thread.
public final class EventLog implements Events {
    private static final Logger LOG = LoggerFactory.getLogger(EventLog.class);

    /// Kept events; some 200 bytes each.
    static final int EVENTS_MAX = 2000;

    private final String process;
    private final ArrayDeque<Event> events = new ArrayDeque<>();
    private final EnumMap<Level, Long> counts = new EnumMap<>(Level.class);

    /// @param process the name of the process that says it
    public record Event(long timeMs, String level, String process, String code, String details) {}

    public EventLog(String process) {
        this.process = process;
    }

    @Override
    public void event(Level level, String code, String details) {
        switch (level) {
            case INFO -> LOG.info("event={} {}", code, details);
            case WARN -> LOG.warn("event={} {}", code, details);
            case ERROR -> LOG.error("event={} {}", code, details);
        }
        Event event =
                new Event(
                        System.currentTimeMillis(),
                        level.name().toLowerCase(Locale.ROOT),
                        process,
                        code,
                        details);
        synchronized (events) {
            if (events.size() == EVENTS_MAX) {
                events.removeFirst();
            }
            events.addLast(event);
            counts.merge(level, 1L, Long::sum);
        }
    }

    public List<Event> last() {
        synchronized (events) {
            return new ArrayList<>(events);
        }
    }

    long count(Level level) {
        synchronized (events) {
            return counts.getOrDefault(level, 0L);
        }
    }
}
