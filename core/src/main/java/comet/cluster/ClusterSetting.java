package comet.cluster;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/// What an operator may change for the whole cluster while it serves (`comet cluster set`). A value
/// is agreed by the metadata group and follows the map, so every process has it a moment later.
///
/// A key stays what it is for ever; a new one is a constant here, read with [ClusterSettings#of].
public enum ClusterSetting {
    /// See `comet.replica.FairShare`.
    RECOVERY_SHARE(
            "recovery-share",
            Kind.PERCENT,
            "80%",
            0,
            95,
            "What guests keep of a disk's work while it recovers or is recovered from"),

    RECOVERY_RATE(
            "recovery-rate",
            Kind.BYTES,
            "0",
            0,
            1L << 40,
            "Bytes per second that recovery copies to one disk, at most; 0: as fast as it can"),

    /// See `comet.meta.Moves`.
    REBUILD_AFTER(
            "rebuild-after",
            Kind.SECONDS,
            "15m",
            0,
            365L * 86_400,
            "How long a disk is away before its copies are made anew on others; 0: never"),

    REBALANCE(
            "rebalance",
            Kind.SWITCH,
            "on",
            0,
            1,
            "Whether placement groups move to where they should be; off: only lost copies are made anew"),

    /// See `comet.volume.SlowDisks`.
    SLOW_AFTER(
            "slow-after",
            Kind.SECONDS,
            "20s",
            0,
            86_400,
            "How long a disk answers far slower than others before they go on without it; 0: for ever"),

    /// See `comet.meta.SlowDisks`.
    SLOW_REST(
            "slow-rest",
            Kind.SECONDS,
            "10m",
            1,
            86_400,
            "How long a disk that was far slower than others stays left behind, the first time");

    /// How a value is written, and in what unit it is read.
    public enum Kind {
        /// `70%`, read as 70.
        PERCENT,
        /// `200M`, binary K, M, G, T; read as bytes.
        BYTES,
        /// `90s`, `10m`, `24h`, `7d`; read as seconds.
        SECONDS,
        /// A plain number.
        COUNT,
        /// `on` or `off`, read as 1 and 0.
        SWITCH
    }

    private static final String BYTE_UNITS = "KMGT";

    private final String key;
    private final Kind kind;
    private final String defaultText;
    private final long min;
    private final long max;
    private final String help;

    ClusterSetting(String key, Kind kind, String defaultText, long min, long max, String help) {
        this.key = key;
        this.kind = kind;
        this.defaultText = defaultText;
        this.min = min;
        this.max = max;
        this.help = help;
    }

    public String key() {
        return key;
    }

    public String defaultText() {
        return defaultText;
    }

    /// What it is, in one line for people.
    public String help() {
        return help;
    }

    public static @Nullable ClusterSetting of(String key) {
        for (ClusterSetting setting : values()) {
            if (setting.key.equals(key)) {
                return setting;
            }
        }
        return null;
    }

    /// What is wrong with a value, for people, or null where nothing is.
    public @Nullable String fault(String text) {
        long value = read(text);
        if (value < 0) {
            return "`" + text + "` is no value of " + key + ": " + form();
        }
        if (value < min || value > max) {
            return key + " is " + written(min) + " to " + written(max) + ", not " + text;
        }
        return null;
    }

    /// In the unit of its kind; the default where the text is no value.
    long value(String text) {
        return fault(text) == null ? read(text) : read(defaultText);
    }

    private String form() {
        return switch (kind) {
            case PERCENT -> "a percentage like 70%";
            case BYTES -> "bytes like 200M, with K, M, G or T (binary)";
            case SECONDS -> "a time like 90s, 10m, 24h or 7d";
            case COUNT -> "a whole number";
            case SWITCH -> "on or off";
        };
    }

    private String written(long value) {
        return switch (kind) {
            case PERCENT -> value + "%";
            case BYTES -> writtenBytes(value);
            case SECONDS -> value + "s";
            case COUNT -> Long.toString(value);
            case SWITCH -> value == 0 ? "off" : "on";
        };
    }

    private static String writtenBytes(long value) {
        int unit = BYTE_UNITS.length();
        while (unit > 0 && (value == 0 || (value & (1L << 10 * unit) - 1) != 0)) {
            unit--;
        }
        return (value >> 10 * unit) + (unit == 0 ? "" : BYTE_UNITS.substring(unit - 1, unit));
    }

    /// -1 where it is no value of the kind.
    private long read(String text) {
        String plain = text.strip().toUpperCase(Locale.ROOT);
        if (kind == Kind.SWITCH) {
            return plain.equals("ON") ? 1 : plain.equals("OFF") ? 0 : -1;
        }
        if (plain.isEmpty() || plain.equals("0")) {
            return plain.isEmpty() ? -1 : 0;
        }
        char last = plain.charAt(plain.length() - 1);
        long unit =
                switch (kind) {
                    case PERCENT -> last == '%' ? 1 : 0;
                    case BYTES -> unitOfBytes(last);
                    case SECONDS -> unitOfTime(last);
                    case COUNT, SWITCH -> 1;
                };
        if (!isDigit(last)) {
            plain = plain.substring(0, plain.length() - 1);
        }
        if (unit == 0 || plain.isEmpty() || plain.length() > 18 || !isNumber(plain)) {
            return -1;
        }
        long number = Long.parseLong(plain);
        return number > Long.MAX_VALUE / unit ? -1 : number * unit;
    }

    private static boolean isNumber(String text) {
        for (int n = 0; n < text.length(); n++) {
            if (!isDigit(text.charAt(n))) {
                return false;
            }
        }
        return true;
    }

    private static boolean isDigit(char c) {
        return c >= '0' && c <= '9';
    }

    private static long unitOfBytes(char last) {
        int unit = BYTE_UNITS.indexOf(last) + 1;
        return unit > 0 || isDigit(last) ? 1L << 10 * unit : 0;
    }

    private static long unitOfTime(char last) {
        return switch (last) {
            case 'S' -> 1;
            case 'M' -> 60;
            case 'H' -> 3600;
            case 'D' -> 86_400;
            default -> 0;
        };
    }
}
