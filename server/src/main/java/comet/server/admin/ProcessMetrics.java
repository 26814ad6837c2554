package comet.server.admin;

import comet.port.Events.Level;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.util.Locale;

/// What every process says of itself: memory, collections, events.
public record ProcessMetrics(String process, EventLog events) implements Metrics.Source {
    @Override
    public void sample(Metrics.Sink sink) {
        String labels = Metrics.labels("process", process);
        Runtime runtime = Runtime.getRuntime();
        sink.gauge(
                "comet_heap_used_bytes",
                "Java heap in use.",
                labels,
                runtime.totalMemory() - runtime.freeMemory());
        sink.gauge("comet_heap_max_bytes", "Bound of the Java heap.", labels, runtime.maxMemory());
        if (ManagementFactory.getThreadMXBean()
                instanceof com.sun.management.ThreadMXBean threads) {
            sink.counter(
                    "comet_heap_allocated_bytes_total",
                    "What has been allocated on the Java heap.",
                    labels,
                    threads.getTotalThreadAllocatedBytes());
        }
        for (BufferPoolMXBean pool : ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class)) {
            sink.gauge(
                    "comet_buffers_used_bytes",
                    "Memory of buffers outside the heap.",
                    Metrics.labels("process", process, "pool", pool.getName()),
                    pool.getMemoryUsed());
        }
        for (GarbageCollectorMXBean collector : ManagementFactory.getGarbageCollectorMXBeans()) {
            sink.counter(
                    "comet_collections_seconds_total",
                    "Time spent in garbage collections.",
                    Metrics.labels("process", process, "collector", collector.getName()),
                    collector.getCollectionTime() / 1e3);
        }
        for (Level level : Level.values()) {
            sink.counter(
                    "comet_events_total",
                    "Events by level.",
                    Metrics.labels(
                            "process", process, "level", level.name().toLowerCase(Locale.ROOT)),
                    events.count(level));
        }
        sink.gauge(
                "comet_start_time_seconds",
                "When the process started, in seconds since 1970.",
                labels,
                ManagementFactory.getRuntimeMXBean().getStartTime() / 1e3);
    }
}
