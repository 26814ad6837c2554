package comet.server.nbd;

import comet.base.Buf;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/// Looks for zeros, at the speed of a comparison of memory.
final class Zeroes {
    private static final int STEP_BYTES = 64 << 10;

    /// Compared with, never written; each use takes its own position and limit, so only one thread
    /// may use it: the loop's.
    private final ByteBuffer zeroes =
            ByteBuffer.allocateDirect(STEP_BYTES).order(ByteOrder.LITTLE_ENDIAN);

    boolean only(Buf buf, int offset, int length) {
        ByteBuffer bytes = buf.bytes();
        if (length >= 8 && bytes.getLong(offset) != 0) {
            return false;
        }
        boolean zero = true;
        for (int at = offset, end = offset + length; zero && at < end; at += STEP_BYTES) {
            int step = Math.min(STEP_BYTES, end - at);
            bytes.limit(at + step).position(at);
            zeroes.limit(step).position(0);
            zero = bytes.mismatch(zeroes) < 0;
        }
        bytes.clear();
        return zero;
    }
}
