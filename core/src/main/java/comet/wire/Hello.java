package comet.wire;

import org.jspecify.annotations.Nullable;

/// First frame of a connection, from the side that called. Says what is expected at the other end,
/// so that nobody writes to the wrong disk of the wrong cluster.
///
/// ```
/// 24 u32 magic "CMET"     28 u16 versionMin  30 u16 versionMax
/// 32 u64 features         offered, see [#CREDIT_NEEDS]
/// 40 u64,u64 clusterId
/// 56 u32 lane             60 u32 diskId (0 for CONTROL)
/// 64 u64,u64 diskUuid     of that disk as the map has it
/// 80 u64 clientId         gateway id, or the calling disk's id for PEER
/// ```
///
/// The reply: status OK or REFUSED (data: the reason as UTF-8), then
///
/// ```
/// 24 u16 version  26 u16 -  28 u32 diskId  32 u64 features (common)  40 u64 bootId
/// 48 u64 creditBytes      how much the client may send on this connection so far (WRITE lane)
/// ```
public record Hello(
        int versionMin,
        int versionMax,
        long features,
        long clusterHigh,
        long clusterLow,
        Lane lane,
        int diskId,
        long diskUuidHigh,
        long diskUuidLow,
        long clientId) {

    public static final int MAGIC = 0x54454D43;
    public static final int VERSION = 1;

    /// Feature: the client sends [CreditNeed] and heeds [Credit#RECALL].
    public static final long CREDIT_NEEDS = 1;

    public static final int HEAD_BYTES = 88;

    public Frame encode(Frame frame, long requestId) {
        frame.start(MessageType.HELLO, requestId, HEAD_BYTES);
        frame.putInt(24, MAGIC);
        frame.putShort(28, versionMin);
        frame.putShort(30, versionMax);
        frame.putLong(32, features);
        frame.putLong(40, clusterHigh);
        frame.putLong(48, clusterLow);
        frame.putInt(56, lane.code);
        frame.putInt(60, diskId);
        frame.putLong(64, diskUuidHigh);
        frame.putLong(72, diskUuidLow);
        frame.putLong(80, clientId);
        return frame;
    }

    /// The hello in a frame, or null where it is none.
    public static @Nullable Hello decode(Frame frame) {
        if (frame.type() != MessageType.HELLO
                || frame.headBytes() != HEAD_BYTES
                || frame.getInt(24) != MAGIC) {
            return null;
        }
        Lane lane = Lane.of(frame.getInt(56));
        if (lane == null) {
            return null;
        }
        return new Hello(
                frame.getShort(28),
                frame.getShort(30),
                frame.getLong(32),
                frame.getLong(40),
                frame.getLong(48),
                lane,
                frame.getInt(60),
                frame.getLong(64),
                frame.getLong(72),
                frame.getLong(80));
    }

    /// The answer to a hello.
    public record Answer(int version, int diskId, long features, long bootId, long creditBytes) {
        public static final int HEAD_BYTES = 56;

        public Frame encode(Frame frame, long requestId) {
            frame.start(MessageType.HELLO_REPLY, requestId, HEAD_BYTES);
            frame.putShort(24, version);
            frame.putInt(28, diskId);
            frame.putLong(32, features);
            frame.putLong(40, bootId);
            frame.putLong(48, creditBytes);
            return frame;
        }

        /// Only for a frame of at least [#HEAD_BYTES] of head.
        public static Answer decode(Frame frame) {
            return new Answer(
                    frame.getShort(24),
                    frame.getInt(28),
                    frame.getLong(32),
                    frame.getLong(40),
                    frame.getLong(48));
        }
    }
}
