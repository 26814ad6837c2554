package comet.wire;

import java.util.ArrayDeque;

/// Frames of one loop, kept for reuse. Not safe for several threads.
public final class FramePool {
    private static final int KEPT_MAX = 4096;
    private static final int KEPT_HEAD_BYTES_MAX = 8192;
    private final ArrayDeque<Frame> free = new ArrayDeque<>();
    private int out;

    public Frame take() {
        Frame frame = free.pollLast();
        if (frame == null) {
            frame = new Frame(this);
        }
        frame.use();
        out++;
        return frame;
    }

    /// Frames taken and not yet released: zero when everything is at rest.
    public int out() {
        return out;
    }

    void giveBack(Frame frame) {
        out--;
        if (free.size() < KEPT_MAX && frame.headCapacity() <= KEPT_HEAD_BYTES_MAX) {
            free.addLast(frame);
        }
    }
}
