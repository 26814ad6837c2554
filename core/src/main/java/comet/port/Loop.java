package comet.port;

/// The one thread that owns a core: its clock, its timers and its queue of later work. All methods
/// are for the owner thread.
public interface Loop {
    /// Monotonic time in nanoseconds, read once per turn of the loop. Never wall-clock time.
    long nowNs();

    /// Runs `work` in a later step of this turn, never inside the caller. Used so that a completion
    /// is a new input and not a nested call.
    void execute(Runnable work);

    /// Runs `work` once, `delayNs` from now or later.
    Timer schedule(long delayNs, Runnable work);

    /// A scheduled piece of work that may be called off. Cancelling twice, or after it ran, does
    /// nothing.
    interface Timer {
        void cancel();
    }
}
