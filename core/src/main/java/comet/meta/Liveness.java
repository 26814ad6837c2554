package comet.meta;

/// Who is alive, as the group's leader saw it when it took a command in. Soft: it is no part of the
/// agreed state, but what was seen goes into the log beside the commands, so that every member
/// decides alike.
public interface Liveness {
    /// What is known of somebody.
    enum State {
        ALIVE,
        DEAD,
        /// Not heard of, but the leader has not led for long enough to conclude anything from that.
        UNKNOWN
    }

    /// Wall clock of the leader when it took the commands in, for people only; 0 where nobody says.
    default long timeMs() {
        return 0;
    }

    /// The leader's name; empty where nobody says.
    default String leader() {
        return "";
    }

    State gateway(long gatewayId);

    /// The disk in that life of it.
    State disk(int diskId, long bootId);
}
