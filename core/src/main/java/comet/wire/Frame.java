package comet.wire;

import comet.base.Buf;
import comet.base.Bytes;
import comet.base.Check;
import comet.base.Crc;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// One message: a head (fields, little-endian, in an array that grows as needed) and, behind it on
/// the wire, data that travels by reference. Pooled per loop; not safe for several threads.
///
/// ```
///  0 u32 frameBytes   head and data together
///  4 u32 headBytes    24 and up
///  8 u8  type         MessageType
///  9 u8  flags        of the message
/// 10 u16 status       of a reply: Status
/// 12 u32 headCrc      CRC-32C of the head with this field zero
/// 16 u64 requestId    chosen by the asker, repeated in the reply
/// 24 …   the message's own fields
/// ```
public final class Frame {
    public static final int HEADER_BYTES = 24;
    public static final int HEAD_BYTES_MAX = 256 << 10;
    public static final int FRAME_BYTES_MAX = HEAD_BYTES_MAX + (4 << 20);

    private final FramePool pool;
    private byte[] head = new byte[256];
    private int headBytes;
    private @Nullable Buf data;
    private int dataOffset;
    private int dataBytes;
    private boolean inUse;

    Frame(FramePool pool) {
        this.pool = pool;
    }

    /// Starts a message: zeroes and sizes the head, without data.
    public Frame start(int type, long requestId, int headBytes) {
        Check.that(
                headBytes >= HEADER_BYTES && headBytes <= HEAD_BYTES_MAX, "head", headBytes, type);
        resizeHead(headBytes);
        Arrays.fill(head, 0, headBytes, (byte) 0);
        putByte(8, type);
        putLong(16, requestId);
        return this;
    }

    /// Attaches data by reference; the frame takes over the caller's reference to `data`.
    public Frame data(Buf data, int offset, int length) {
        Check.that(this.data == null, "data twice");
        Check.that(offset >= 0 && length >= 0, "data range", offset, length);
        Check.that(offset + length <= data.capacity(), "data range", offset, length);
        this.data = data;
        dataOffset = offset;
        dataBytes = length;
        return this;
    }

    /// Fills in the lengths and the checksum; a transport calls it once, before it sends the head.
    public void seal(Crc crc) {
        putInt(0, headBytes + dataBytes);
        putInt(4, headBytes);
        putInt(12, 0);
        putInt(12, crc.of(head, 0, headBytes));
    }

    /// Whether the head's checksum is right. Leaves the field zero.
    public boolean unseal(Crc crc) {
        int expected = getInt(12);
        putInt(12, 0);
        return crc.of(head, 0, headBytes) == expected;
    }

    /// Makes the head `bytes` long, keeping what is there; a transport then copies into [#head].
    public void resizeHead(int bytes) {
        Check.that(bytes <= HEAD_BYTES_MAX, "head", bytes, 0);
        if (bytes > head.length) {
            head = Arrays.copyOf(head, Integer.highestOneBit(bytes - 1) << 1);
        }
        headBytes = bytes;
    }

    public byte[] head() {
        return head;
    }

    public int headBytes() {
        return headBytes;
    }

    public int type() {
        return getByte(8);
    }

    public int flags() {
        return getByte(9);
    }

    public Frame flags(int flags) {
        putByte(9, flags);
        return this;
    }

    public int status() {
        return getShort(10);
    }

    public Frame status(int status) {
        putShort(10, status);
        return this;
    }

    public long requestId() {
        return getLong(16);
    }

    public boolean hasData() {
        return data != null;
    }

    /// The data; only where [#hasData].
    public Buf data() {
        if (data == null) {
            throw Check.failed("frame without data");
        }
        return data;
    }

    /// Takes the data, with its reference, out of the frame.
    public Buf takeData() {
        Buf taken = data();
        data = null;
        return taken;
    }

    public int dataOffset() {
        return dataOffset;
    }

    public int dataBytes() {
        return dataBytes;
    }

    public int getByte(int at) {
        return Bytes.getByte(head, at);
    }

    public int getShort(int at) {
        return Bytes.getShort(head, at);
    }

    public int getInt(int at) {
        return Bytes.getInt(head, at);
    }

    public long getLong(int at) {
        return Bytes.getLong(head, at);
    }

    public void putByte(int at, int value) {
        Bytes.putByte(head, at, value);
    }

    public void putShort(int at, int value) {
        Bytes.putShort(head, at, value);
    }

    public void putInt(int at, int value) {
        Bytes.putInt(head, at, value);
    }

    public void putLong(int at, long value) {
        Bytes.putLong(head, at, value);
    }

    /// Gives the frame back to its pool, and its data's reference with it.
    public void release() {
        Check.that(inUse, "frame released twice");
        inUse = false;
        if (data != null) {
            data.release();
            data = null;
        }
        dataBytes = 0;
        dataOffset = 0;
        pool.giveBack(this);
    }

    void use() {
        inUse = true;
        headBytes = 0;
    }

    int headCapacity() {
        return head.length;
    }
}
