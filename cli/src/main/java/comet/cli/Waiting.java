package comet.cli;

import java.io.Console;
import java.io.PrintStream;
import java.time.Duration;

/// What long work shows: on a terminal one line that is rewritten, with what is left, the rate and
/// the time it will take; elsewhere a plain line whenever something has changed.
final class Waiting {
    private static final String CLEAR = "\r\033[K";
    private static final int COLUMNS_MAX = 120;

    private final PrintStream out;
    private final boolean terminal;
    private final long startNs;
    private String said = "";

    /// What was left when it was first known, and when that was.
    private long firstLeft;

    private long firstNs;

    Waiting(PrintStream out, boolean terminal, long nowNs) {
        this.out = out;
        this.terminal = terminal;
        startNs = nowNs;
    }

    @SuppressWarnings("SystemConsoleNull") // it says @Nullable all the same
    static Waiting onConsole() {
        Console console = System.console();
        boolean terminal = console != null && console.isTerminal();
        return new Waiting(System.out, terminal, System.nanoTime());
    }

    /// Work is under way.
    ///
    /// @param line what is waited for, in one line
    /// @param lines the same for a log, each ended
    /// @param left how much of `unit` is still to be done; 0 where that cannot be counted
    void show(String line, String lines, long left, String unit, long nowNs) {
        if (!terminal) {
            if (!lines.equals(said)) {
                out.print(lines);
                said = lines;
            }
            return;
        }
        if (left > firstLeft) {
            firstLeft = left;
            firstNs = nowNs;
        }
        Duration since = Duration.ofNanos(nowNs - startNs);
        String text = "%s  %s%s".formatted(time(since), rate(left, unit, nowNs), line);
        out.print(CLEAR + (text.length() > COLUMNS_MAX ? text.substring(0, COLUMNS_MAX) : text));
        out.flush();
    }

    private String rate(long left, String unit, long nowNs) {
        double seconds = (nowNs - firstNs) / 1e9;
        double rate = seconds > 0 ? (firstLeft - left) / seconds : 0;
        if (left == 0 || rate <= 0) {
            return "";
        }
        Duration until = Duration.ofSeconds((long) Math.ceil(left / rate));
        return "%d %s left, %.0f/s, about %s  ".formatted(left, unit, rate, time(until));
    }

    private static String time(Duration time) {
        return "%d:%02d".formatted(time.toMinutes(), time.toSecondsPart());
    }

    /// It is over; what is printed from now on stands at the beginning of a line.
    ///
    /// @param lines the outcome, each ended
    void end(String lines) {
        if (terminal) {
            out.print(CLEAR);
        }
        if (terminal || !lines.equals(said)) {
            out.print(lines);
        }
        out.flush();
    }
}
