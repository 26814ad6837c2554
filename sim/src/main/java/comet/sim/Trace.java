package comet.sim;

import java.util.ArrayDeque;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// What happened, in words: written out as it happens, or the last lines kept for the report of a
/// failure, or neither.
public final class Trace {
    private final int keepLines;
    private final @Nullable Consumer<String> out;
    private final ArrayDeque<String> last = new ArrayDeque<>();

    private Trace(int keepLines, @Nullable Consumer<String> out) {
        this.keepLines = keepLines;
        this.out = out;
    }

    static Trace off() {
        return new Trace(0, null);
    }

    static Trace to(Consumer<String> out) {
        return new Trace(0, out);
    }

    static Trace keeping(int lines) {
        return new Trace(lines, null);
    }

    boolean on() {
        return keepLines > 0 || out != null;
    }

    void line(long nowNs, String who, String what) {
        String line = String.format("%12.6f  %-12s %s", nowNs / 1e9, who, what);
        if (out != null) {
            out.accept(line);
        }
        if (keepLines > 0) {
            last.addLast(line);
            if (last.size() > keepLines) {
                last.removeFirst();
            }
        }
    }

    String kept() {
        return String.join("\n", last);
    }
}
