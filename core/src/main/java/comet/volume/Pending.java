package comet.volume;

import comet.wire.Frame;

/// What waits for the answer to one request on a [DiskLane].
interface Pending {
    /// The answer; the frame is released by the lane after the call.
    void onReply(Frame reply);

    /// The connection has ended without an answer: nothing is known about the request.
    void onBroken();

    /// Whether nobody waits any more.
    default boolean forgotten() {
        return false;
    }

    /// For requests whose answer is of no interest any more.
    Pending IGNORED =
            new Pending() {
                @Override
                public void onReply(Frame reply) {}

                @Override
                public void onBroken() {}

                @Override
                public boolean forgotten() {
                    return true;
                }
            };
}
