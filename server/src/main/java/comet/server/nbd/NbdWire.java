package comet.server.nbd;

import comet.base.Buf;
import io.netty.buffer.ByteBuf;

/// The connection as a session sees it. Nothing here calls back into the session within the call,
/// except for [NbdSession#sent].
interface NbdWire {
    /// Where the next bytes for the client go, with room for one head or option's reply: append to
    /// it, do not keep it.
    ByteBuf out();

    /// Appends data by reference and takes over the caller's reference to `buf`, which stays
    /// reserved: once the bytes have left, or never will, the wire tells [NbdSession#sent] the
    /// capacity of `buf`.
    void data(Buf buf, int offset, int length);

    /// Everything appended so far leaves in the clear, and all that comes behind it, in both
    /// directions, is encrypted.
    void startTls();

    /// Once everything appended so far has left the connection goes on on another loop, for good:
    /// there [NbdSession#moved] is told. Until then it is quiet.
    ///
    /// @param place see [Exports.Opened#elsewhere]
    void move(int place);

    /// The client was told no, and may go: for the log.
    void turnedAway(String why);

    /// The client takes its replies more slowly than they come. When that is over the wire gives
    /// the session its input again.
    boolean congested();

    /// Gives the session its input again, in a later step: something that blocked it has gone.
    void resume();

    /// Closes the connection once everything appended has left.
    void finish();

    /// Closes the connection now. `why` is for the log.
    void abort(String why);

    long nowNs();
}
