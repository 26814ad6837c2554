package comet.wire;

/// Types of frames. A reply has the number of its request plus one. See docs/wire.md.
public final class MessageType {
    private MessageType() {}

    public static final int HELLO = 1;
    public static final int HELLO_REPLY = 2;
    public static final int OPEN = 3;
    public static final int OPEN_REPLY = 4;
    public static final int LIST = 5;
    public static final int LIST_REPLY = 6;
    public static final int WRITE = 7;
    public static final int WRITE_REPLY = 8;
    public static final int SYNC = 9;
    public static final int SYNC_REPLY = 10;
    public static final int READ = 11;
    public static final int READ_REPLY = 12;
    public static final int MAP = 13;
    public static final int MAP_REPLY = 14;
    public static final int LEVEL = 15;
    public static final int LEVEL_REPLY = 16;

    /// Node to gateway, unasked: how far the connection may send.
    public static final int CREDIT = 17;

    /// Gateway to node, unasked: what it lacks of credit, and what it gives back.
    public static final int CREDIT_NEED = 25;

    /// Between replicas: chunks of a PG, fences of its volumes, blocks of a chunk.
    public static final int LIST_PG = 19;

    public static final int LIST_PG_REPLY = 20;
    public static final int FENCES = 21;
    public static final int FENCES_REPLY = 22;
    public static final int BLOCKS = 23;
    public static final int BLOCKS_REPLY = 24;

    /// To and from the metadata group: a JSON document as data.
    public static final int CONTROL = 31;

    public static final int CONTROL_REPLY = 32;
    public static final int CONTROL_PUSH = 33;
}
