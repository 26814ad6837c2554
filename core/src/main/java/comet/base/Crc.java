package comet.base;

import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/// CRC-32C (Castagnoli, as in RFC 3720 appendix B.4) over bytes of a buffer or an array. One per
/// loop: it keeps a JDK object that is not safe for several threads.
public final class Crc {
    private final CRC32C crc = new CRC32C();

    /// CRC of 4,096 zero bytes.
    public static final int ZERO_BLOCK = zeroBlock();

    public int of(Buf buf, int offset, int length) {
        ByteBuffer bytes = buf.bytes();
        bytes.limit(offset + length).position(offset);
        crc.reset();
        crc.update(bytes);
        bytes.clear();
        return (int) crc.getValue();
    }

    public int of(byte[] bytes, int offset, int length) {
        crc.reset();
        crc.update(bytes, offset, length);
        return (int) crc.getValue();
    }

    private static int zeroBlock() {
        CRC32C crc = new CRC32C();
        crc.update(new byte[Sizes.BLOCK_BYTES]);
        return (int) crc.getValue();
    }
}
