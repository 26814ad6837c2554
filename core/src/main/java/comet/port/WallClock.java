package comet.port;

/// The time of day, for people to read: nothing is decided by it.
public interface WallClock {
    /// Milliseconds since 1970.
    long nowMs();
}
