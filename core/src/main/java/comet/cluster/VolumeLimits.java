package comet.cluster;

/// What an operator allows a volume, over all its clients; each gateway that serves it keeps to it.
///
/// @param iops reads, writes, zeroes and trims a second; 0: no limit
/// @param bytesPerSecond data read and written; 0: no limit
/// @param burstSeconds how many seconds' worth of what it did not use a volume may use at once
public record VolumeLimits(long iops, long bytesPerSecond, int burstSeconds) {
    public static final VolumeLimits NONE = new VolumeLimits(0, 0, 0);

    /// More than anything does; so that sums and products fit.
    public static final long IOPS_MAX = 1_000_000_000L;

    public static final long BYTES_PER_SECOND_MAX = 1L << 40;

    public static final int BURST_SECONDS_MAX = 3600;

    public boolean unlimited() {
        return iops == 0 && bytesPerSecond == 0;
    }
}
