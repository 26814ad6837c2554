package comet.replica;

import comet.base.Buf;
import comet.base.Sizes;
import comet.wire.BlockState;
import comet.wire.Frame;
import comet.wire.MessageType;
import comet.wire.ReadReply;
import java.util.ArrayList;
import java.util.List;

/// Blocks of a chunk that were read at another replica, until they are put here.
final class PulledBlocks {
    private final List<Frame> frames = new ArrayList<>();
    private long bytes;

    /// Per block: its frame, and where in the frame's data it lies, -1 where the source cannot read
    /// it any more.
    private final int[] frameOf = new int[Sizes.CHUNK_BLOCKS];

    private final int[] offsetOf = new int[Sizes.CHUNK_BLOCKS];

    /// Takes the data out of an answer.
    ///
    /// @param holder takes over the data
    /// @param range first block and number of blocks
    void keep(Frame holder, Frame reply, int[] range) {
        int offset = reply.dataOffset();
        for (int n = 0; n < range[1]; n++) {
            boolean data = ReadReply.state(reply, n) == BlockState.DATA;
            frameOf[range[0] + n] = frames.size();
            offsetOf[range[0] + n] = data ? offset : -1;
            offset += data ? Sizes.BLOCK_BYTES : 0;
        }
        holder.start(MessageType.READ_REPLY, 0, Frame.HEADER_BYTES);
        if (reply.hasData()) {
            int from = reply.dataOffset();
            int length = reply.dataBytes();
            holder.data(reply.takeData(), from, length);
            bytes += length;
        }
        frames.add(holder);
    }

    long bytes() {
        return bytes;
    }

    /// Where the block lies in its [#data], or -1.
    int offset(int block) {
        return offsetOf[block];
    }

    Buf data(int block) {
        return frames.get(frameOf[block]).data();
    }

    void clear() {
        frames.forEach(Frame::release);
        frames.clear();
        bytes = 0;
    }
}
