package comet.server.admin;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// A strict reader of Prometheus' text format 0.0.4: what it takes, a server takes. Beyond the
/// grammar: a family's lines lie together under one HELP and one TYPE, no sample comes twice, and
/// histograms are whole and never fall.
final class PrometheusText {
    private static final Pattern NAME = Pattern.compile("[a-zA-Z_:][a-zA-Z0-9_:]*");
    private static final Pattern SAMPLE =
            Pattern.compile("([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\\{(.*)})? (\\S+)");
    private static final Pattern LABEL =
            Pattern.compile("([a-zA-Z_][a-zA-Z0-9_]*)=\"((?:[^\"\\\\]|\\\\[\\\\n\"])*)\"(?:,|$)");

    final TreeMap<String, String> types = new TreeMap<>();
    final List<Sample> samples = new ArrayList<>();

    record Sample(String name, TreeMap<String, String> labels, double value) {}

    private final TreeSet<String> helps = new TreeSet<>();
    private @Nullable String family;

    static PrometheusText parse(String text) {
        assertThat(text).endsWith("\n").doesNotContain("\r");
        PrometheusText read = new PrometheusText();
        text.lines().forEach(read::line);
        read.unique();
        read.histograms();
        return read;
    }

    private void line(String line) {
        if (line.startsWith("# HELP ")) {
            String name = line.substring(7).split(" ", 2)[0];
            assertThat(name).matches(NAME);
            assertThat(helps.add(name)).as("one HELP of %s", name).isTrue();
            family = name;
        } else if (line.startsWith("# TYPE ")) {
            String[] words = line.substring(7).split(" ", -1);
            assertThat(words).as(line).hasSize(2);
            assertThat(words[0]).as("TYPE follows its HELP").isEqualTo(family);
            assertThat(words[1]).isIn("counter", "gauge", "histogram");
            assertThat(types.put(words[0], words[1])).as("one TYPE of %s", words[0]).isNull();
        } else {
            sample(line);
        }
    }

    private void sample(String line) {
        Matcher matcher = SAMPLE.matcher(line);
        assertThat(matcher.matches()).as(line).isTrue();
        String name = matcher.group(1);
        String of = family;
        assertThat(of).as("a family before %s", line).isNotNull();
        if (of == null) {
            return;
        }
        String type = types.get(of);
        List<String> allowed =
                "histogram".equals(type)
                        ? List.of(of + "_bucket", of + "_sum", of + "_count")
                        : List.of(of);
        assertThat(allowed).as("samples of a family lie together: %s", line).contains(name);
        if ("counter".equals(type)) {
            assertThat(name).as("counters end in _total").endsWith("_total");
        }
        String value = matcher.group(3);
        double number = value.equals("+Inf") ? Double.POSITIVE_INFINITY : Double.parseDouble(value);
        samples.add(new Sample(name, labels(matcher.group(2), line), number));
    }

    private static TreeMap<String, String> labels(@Nullable String text, String line) {
        TreeMap<String, String> labels = new TreeMap<>();
        if (text == null) {
            return labels;
        }
        int at = 0;
        Matcher matcher = LABEL.matcher(text);
        while (at < text.length()) {
            assertThat(matcher.find(at) && matcher.start() == at).as(line).isTrue();
            assertThat(labels.put(matcher.group(1), matcher.group(2))).as(line).isNull();
            at = matcher.end();
        }
        return labels;
    }

    private void unique() {
        TreeSet<String> seen = new TreeSet<>();
        for (Sample sample : samples) {
            String key = sample.name + sample.labels;
            assertThat(seen.add(key)).as("twice: %s", key).isTrue();
        }
    }

    private void histograms() {
        TreeMap<String, TreeMap<Double, Double>> buckets = new TreeMap<>();
        TreeMap<String, Double> counts = new TreeMap<>();
        TreeSet<String> sums = new TreeSet<>();
        for (Sample sample : samples) {
            TreeMap<String, String> labels = new TreeMap<>(sample.labels);
            String edge = labels.remove("le");
            if (sample.name.endsWith("_bucket") && edge != null) {
                String of = sample.name.replace("_bucket", "") + labels;
                double le =
                        edge.equals("+Inf") ? Double.POSITIVE_INFINITY : Double.parseDouble(edge);
                buckets.computeIfAbsent(of, _ -> new TreeMap<>()).put(le, sample.value);
            } else if (sample.name.endsWith("_count")) {
                counts.put(sample.name.replace("_count", "") + labels, sample.value);
            } else if (sample.name.endsWith("_sum")) {
                sums.add(sample.name.replace("_sum", "") + labels);
            }
        }
        for (Map.Entry<String, TreeMap<Double, Double>> one : buckets.entrySet()) {
            double last = 0;
            for (double value : one.getValue().values()) {
                assertThat(value).as(one.getKey()).isGreaterThanOrEqualTo(last);
                last = value;
            }
            assertThat(one.getValue().lastKey()).isInfinite();
            assertThat(counts.get(one.getKey())).as(one.getKey()).isEqualTo(last);
            assertThat(sums).contains(one.getKey());
        }
        assertThat(buckets.keySet()).isEqualTo(counts.keySet());
    }
}
