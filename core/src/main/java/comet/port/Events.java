package comet.port;

/// What happened, for operators: a core says it once, a shell writes one line of log, counts it and
/// keeps the last ones. Not for every request.
public interface Events {
    /// ERROR means that an operator must act, and fails a run of the simulator that did not expect
    /// it.
    enum Level {
        INFO,
        WARN,
        ERROR
    }

    /// @param code a fixed lower-case word or words joined by `-`: `replica-recovered`
    /// @param details `key=value` pairs joined by blanks
    void event(Level level, String code, String details);
}
