package comet.replica;

import comet.base.Check;

/// How a disk is scrubbed without being asked to.
///
/// @param bytesPerSecond of data read, at most; 0: never, unless an operator orders it
/// @param firstLapNs after the start of the disk, so that a start is not slowed down
/// @param lapNsMin between the beginnings of two laps, at least
public record ScrubConfig(long bytesPerSecond, long firstLapNs, long lapNsMin) {
    /// A disk with 4 TiB of data is read in twelve days and a few hours, so that each of its blocks
    /// is looked at twice a month; a guest shares the device with 16 reads a second of 256 KiB.
    public static final long BYTES_PER_SECOND = 4L << 20;

    private static final long SECOND_NS = 1_000_000_000L;

    public ScrubConfig {
        Check.that(bytesPerSecond >= 0, "scrub rate", bytesPerSecond, 0);
        Check.that(firstLapNs >= 0, "first lap", firstLapNs, 0);
        Check.that(lapNsMin > 0, "lap", lapNsMin, 0);
    }

    public static ScrubConfig defaults() {
        return new ScrubConfig(BYTES_PER_SECOND, 60 * SECOND_NS, 24 * 3600 * SECOND_NS);
    }

    public ScrubConfig withRate(long other) {
        return new ScrubConfig(other, firstLapNs, lapNsMin);
    }
}
