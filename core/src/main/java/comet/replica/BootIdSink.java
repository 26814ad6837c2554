package comet.replica;

/// What a disk's folder has to be told of its replicas.
@FunctionalInterface
public interface BootIdSink {
    /// Makes it durable before it returns; called once per start, before the disk serves.
    void bootId(long bootId);

    /// No placement group of the disk is RECOVERING any more, and some were: whatever was damaged
    /// has been replaced by copies. May be called more than once.
    default void recovered() {}
}
