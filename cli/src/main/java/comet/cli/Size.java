package comet.cli;

import java.util.Locale;

/// Sizes as people write and read them: binary K, M, G, T.
public final class Size {
    private static final String UNITS = "KMGT";

    private Size() {}

    /// @throws IllegalArgumentException where the text is no size
    static long parse(String text) {
        String t = text.strip().toUpperCase(Locale.ROOT);
        if (t.endsWith("IB")) {
            t = t.substring(0, t.length() - 2);
        }
        int shift = 0;
        if (!t.isEmpty() && UNITS.indexOf(t.charAt(t.length() - 1)) >= 0) {
            shift = 10 * (UNITS.indexOf(t.charAt(t.length() - 1)) + 1);
            t = t.substring(0, t.length() - 1);
        }
        try {
            long number = Long.parseLong(t.strip());
            if (number < 0 || number > Long.MAX_VALUE >> shift) {
                throw new IllegalArgumentException("size " + text + " is out of range");
            }
            return number << shift;
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(
                    "`%s` is no size: a whole number of bytes, or with K, M, G or T (binary)"
                            .formatted(text),
                    e);
        }
    }

    public static String text(long bytes) {
        if (bytes < 1024) {
            return bytes + " B";
        }
        int unit = 0;
        double value = bytes / 1024.0;
        while (value >= 1024 && unit < UNITS.length() - 1) {
            value /= 1024;
            unit++;
        }
        String number =
                value == Math.rint(value)
                        ? Long.toString((long) value)
                        : String.format(Locale.ROOT, "%.1f", value);
        return number + " " + UNITS.charAt(unit) + "iB";
    }
}
