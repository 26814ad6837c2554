package comet.wire;

/// What a connection to a disk is for; said in its HELLO. A client's writes and reads use one
/// connection each, so that a large read does not delay a write and both stay ordered.
public enum Lane {
    WRITE(1),
    READ(2),
    /// Another replica of the same PG: recovery and levelling.
    PEER(3),
    /// To a member of the metadata group.
    CONTROL(4);

    public final int code;

    Lane(int code) {
        this.code = code;
    }

    /// The lane of a code, or null where it is none.
    public static @org.jspecify.annotations.Nullable Lane of(int code) {
        for (Lane lane : values()) {
            if (lane.code == code) {
                return lane;
            }
        }
        return null;
    }
}
