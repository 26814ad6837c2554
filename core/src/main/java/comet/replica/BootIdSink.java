package comet.replica;

/// Keeps a disk's boot id in its folder.
@FunctionalInterface
public interface BootIdSink {
    /// Makes it durable before it returns; called once per start, before the disk serves.
    void bootId(long bootId);
}
