package comet.volume;

import comet.wire.Frame;
import org.jspecify.annotations.Nullable;

/// What one member knows of one write: sent as which WRITE of the connection, answered, durable.
/// Belongs to its [WritePart]; while sent it is linked into the [DiskPeer]'s list in order of
/// sequence.
final class MemberWrite implements Pending {
    final WritePart part;
    @Nullable DiskPeer peer;
    long requestId;
    long sequence;
    boolean answered;
    boolean durable;
    @Nullable MemberWrite previous;
    @Nullable MemberWrite next;

    MemberWrite(WritePart part) {
        this.part = part;
    }

    boolean sent() {
        return peer != null;
    }

    @Override
    public void onReply(Frame reply) {
        part.volume.fanout().onReply(this, reply);
    }

    /// The peer has taken it off its list already.
    @Override
    public void onBroken() {}

    /// Takes it back: whatever the member says of this sending does not count any more.
    void recall() {
        DiskPeer peer = this.peer;
        if (peer != null) {
            if (!answered) {
                peer.write().forget(requestId);
            }
            peer.unlink(this);
        }
    }
}
