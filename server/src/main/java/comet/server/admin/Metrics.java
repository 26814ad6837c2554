package comet.server.admin;

import comet.base.LatencyHistogram;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Counters and gauges in Prometheus' text format. Sources add their samples when asked, each from
/// its own loop's counters; nothing is kept between two questions.
public final class Metrics {
    /// Upper edges of the latency buckets that are shown, in microseconds.
    private static final long[] EDGES_US = {
        50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 500_000, 1_000_000,
        5_000_000
    };

    private static final Logger LOG = LoggerFactory.getLogger(Metrics.class);

    /// Something that has samples.
    public interface Source {
        void sample(Sink sink);
    }

    private final List<Source> sources = new ArrayList<>();

    public synchronized void add(Source source) {
        sources.add(source);
    }

    synchronized String text() {
        Sink sink = new Sink();
        for (Source source : sources) {
            try {
                source.sample(sink);
            } catch (AdminException e) {
                LOG.warn("event=metrics-missing why=\"{}\"", e.text());
            }
        }
        return sink.text();
    }

    /// Takes samples and groups them by metric, as the format demands.
    public static final class Sink {
        private final TreeMap<String, StringBuilder> families = new TreeMap<>();

        /// @param labels `name="value",…` without braces, made by [#labels]
        public void counter(String name, String help, String labels, double value) {
            family(name, "counter", help).append(line(name, labels, value));
        }

        public void gauge(String name, String help, String labels, double value) {
            family(name, "gauge", help).append(line(name, labels, value));
        }

        public void counter(String name, String help, String labels, long value) {
            family(name, "counter", help).append(line(name, labels, value));
        }

        public void gauge(String name, String help, String labels, long value) {
            family(name, "gauge", help).append(line(name, labels, value));
        }

        /// Latencies in seconds.
        public void histogram(String name, String help, String labels, LatencyHistogram latency) {
            StringBuilder family = family(name, "histogram", help);
            String comma = labels.isEmpty() ? "" : labels + ",";
            for (long edgeUs : EDGES_US) {
                family.append(
                        line(
                                name + "_bucket",
                                comma + "le=\"" + number(edgeUs / 1e6) + "\"",
                                latency.countBelow(edgeUs * 1000 - 1)));
            }
            family.append(line(name + "_bucket", comma + "le=\"+Inf\"", latency.count()));
            family.append(line(name + "_sum", labels, latency.totalNs() / 1e9));
            family.append(line(name + "_count", labels, latency.count()));
        }

        /// Takes over samples in the same format, from another process.
        void merge(String other) {
            String name = "";
            StringBuilder head = new StringBuilder();
            for (String line : other.lines().toList()) {
                String[] words = line.split(" ", 4);
                if (line.startsWith("# HELP ") && words.length == 4) {
                    name = words[2];
                    head.setLength(0);
                    head.append(line).append('\n');
                } else if (line.startsWith("# TYPE ")) {
                    head.append(line).append('\n');
                } else if (!line.isEmpty() && !line.startsWith("#")) {
                    families.computeIfAbsent(name, _ -> new StringBuilder(head))
                            .append(line)
                            .append('\n');
                }
            }
        }

        private StringBuilder family(String name, String type, String help) {
            return families.computeIfAbsent(
                    name,
                    _ ->
                            new StringBuilder()
                                    .append("# HELP ")
                                    .append(name)
                                    .append(' ')
                                    .append(help)
                                    .append("\n# TYPE ")
                                    .append(name)
                                    .append(' ')
                                    .append(type)
                                    .append('\n'));
        }

        private static String line(String name, String labels, double value) {
            return (labels.isEmpty() ? name : name + "{" + labels + "}")
                    + " "
                    + number(value)
                    + "\n";
        }

        private static String line(String name, String labels, long value) {
            return (labels.isEmpty() ? name : name + "{" + labels + "}") + " " + value + "\n";
        }

        private static String number(double value) {
            return BigDecimal.valueOf(value).stripTrailingZeros().toPlainString();
        }

        String text() {
            StringBuilder all = new StringBuilder();
            families.values().forEach(all::append);
            return all.toString();
        }
    }

    /// Labels from names and values in turn.
    public static String labels(String... namesAndValues) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i + 1 < namesAndValues.length; i += 2) {
            text.append(i == 0 ? "" : ",")
                    .append(namesAndValues[i])
                    .append("=\"")
                    .append(
                            namesAndValues[i + 1]
                                    .replace("\\", "\\\\")
                                    .replace("\"", "\\\"")
                                    .replace("\n", "\\n"))
                    .append('"');
        }
        return text.toString();
    }
}
