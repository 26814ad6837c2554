package comet.port;

/// Told when an operation on a file or the index has ended: always on the owner's loop, always
/// later, never inside the call that started it.
@FunctionalInterface
public interface IoDone {
    /// @param token what the caller gave when it started the operation
    /// @param result bytes moved (0 where nothing moves), or a negative [Errno]
    void done(long token, int result);
}
