package comet.server.config;

import comet.replica.ScrubConfig;
import java.util.List;

/// How fast the disks of a process are scrubbed.
final class ScrubRate {
    static final String KEY = "scrub-rate";
    private static final long BYTES_MAX = 64L << 30;

    private ScrubRate() {}

    /// @return bytes a second of each disk; 0: never
    /// @throws ConfigException where it is out of its range
    static long read(ConfigFile file) {
        return file.bytes(KEY, 0, BYTES_MAX);
    }

    /// What tells another process the same, as `--set` takes it.
    static List<String> overrides(long bytesPerSecond) {
        return bytesPerSecond == ScrubConfig.BYTES_PER_SECOND
                ? List.of()
                : List.of(KEY + "=" + bytesPerSecond);
    }
}
