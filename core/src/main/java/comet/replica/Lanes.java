package comet.replica;

import comet.wire.Frame;

/// What a connection does once its HELLO was accepted; one implementation per lane.
interface Lanes {
    /// Takes the frame over.
    void onFrame(Frame frame);

    /// The connection has ended.
    void onClosed();
}
