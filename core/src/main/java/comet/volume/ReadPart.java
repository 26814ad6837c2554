package comet.volume;

import comet.base.Buf;
import comet.base.Sizes;
import comet.port.Errno;
import comet.wire.Frame;
import comet.wire.ReadReply;
import org.jspecify.annotations.Nullable;

/// A read within one chunk: of a guest, or of the rest of a block that a write covers in part.
/// Pooled.
@SuppressWarnings("NullAway.Init")
final class ReadPart extends ChunkPart implements Pending {
    /// Where the wanted bytes go; they start `fromByte` after the start of the first block.
    Buf target;

    int targetOffset;
    int fromByte;
    int byteCount;

    /// The write that this part reads for, which stands in the order itself.
    @Nullable WritePart merge;

    /// Served with term 0, without an open PG.
    boolean loose;

    /// Served with term 0, and the map was fetched after the read had come.
    private boolean fresh;

    /// The data is there; only writes under way keep it from being answered.
    boolean held;

    // The sending under way.
    @Nullable DiskPeer peer;
    int member;
    long requestId;
    long epoch;
    long sentAtNs;

    // Those that were sent to the same disk, see ReadsInFlight.
    @Nullable ReadPart sentPrevious;
    @Nullable ReadPart sentNext;

    /// The chunk's newest complete version when the read was sent.
    long completedAtSend;

    /// Members (bits) that lack a block for good in this epoch, and those not to be asked now.
    int triedBad;

    int triedNow;

    /// Blocks still to be had, after some replica could not give all; null: all of them.
    boolean @Nullable [] missing;

    void wants(Buf target, int targetOffset, int fromByte, int byteCount) {
        this.target = target;
        this.targetOffset = targetOffset;
        this.fromByte = fromByte;
        this.byteCount = byteCount;
    }

    @Override
    boolean isWrite() {
        return false;
    }

    @Override
    void advance() {
        if (blockers > 0) {
            return;
        }
        if (held) {
            finish(0);
            return;
        }
        // What it waited for is done; it stands in nobody's way.
        volume.order().leave(this);
        if (loose) {
            if (fresh) {
                volume.reads().sendLoose(this);
            } else {
                refresh();
            }
            return;
        }
        if (!volume.chunkReady(this)) {
            return;
        }
        if (volume.table().get(chunkIndex) == 0) {
            target.zero(targetOffset, byteCount);
            finish(0);
            return;
        }
        volume.reads().send(this);
    }

    /// Without an attachment only a map as new as the read says who may answer it.
    private void refresh() {
        volume.gateway()
                .keeper()
                .refreshThen(() -> {
                    fresh = true;
                    resume();
                });
    }

    @Override
    public void onReply(Frame reply) {
        if (peer != null) {
            peer.reads().answered(this, volume.gateway().loop().nowNs());
        }
        ended();
        volume.reads().onReply(this, reply);
    }

    @Override
    public void onBroken() {
        ended();
        volume.retryLater(this);
    }

    private void ended() {
        if (peer != null) {
            peer.reads().ended(this);
            peer = null;
        }
    }

    /// It has waited for long: asks another replica instead, where one is faster.
    void moveAway(long nowNs) {
        DiskPeer from = peer;
        if (from != null && volume.reads().hasFaster(this, nowNs)) {
            from.read().forget(requestId);
            ended();
            triedNow |= 1 << member;
            volume.reads().send(this);
        }
    }

    /// Copies what one block of a reply gives; `dataBlock` counts the reply's blocks of data.
    void takeBlock(Frame reply, int block, int dataBlock, boolean zeros) {
        int start = block * Sizes.BLOCK_BYTES;
        int from = Math.max(start, fromByte);
        int to = Math.min(start + Sizes.BLOCK_BYTES, fromByte + byteCount);
        if (from >= to) {
            return;
        }
        int at = targetOffset + from - fromByte;
        if (zeros) {
            target.zero(at, to - from);
        } else {
            int source = reply.dataOffset() + dataBlock * Sizes.BLOCK_BYTES + from - start;
            target.copyFrom(at, reply.data(), source, to - from);
        }
    }

    boolean wanted(int block) {
        return missing == null || missing[block];
    }

    /// Remembers that this block is still to be had from somebody else.
    void got(int block, boolean ok) {
        if (ok) {
            if (missing != null) {
                missing[block] = false;
            }
            return;
        }
        if (missing == null) {
            missing = new boolean[blockCount];
            for (int n = block; n < blockCount; n++) {
                missing[n] = true;
            }
        }
    }

    boolean complete() {
        if (missing != null) {
            for (boolean block : missing) {
                if (block) {
                    return false;
                }
            }
        }
        return true;
    }

    /// The whole read is there: answer it, or wait for writes that it may have seen the start of.
    void succeed() {
        if (merge == null && !loose && !volume.order().enter(this)) {
            held = true;
            return;
        }
        finish(0);
    }

    void finish(int errno) {
        Request request = this.request;
        WritePart merge = this.merge;
        volume.order().leave(this);
        volume.removeLive(this);
        volume.gateway().parts().giveBack(this);
        if (merge != null) {
            merge.onMergeRead(errno);
        } else if (request != null) {
            volume.partDone(request, errno);
        }
    }

    void fail() {
        finish(Errno.EIO);
    }

    @Override
    void abandon() {
        if (peer != null) {
            peer.read().forget(requestId);
            ended();
        }
        request = null;
        merge = null;
    }

    void clear() {
        clearPart();
        merge = null;
        loose = false;
        fresh = false;
        held = false;
        triedBad = 0;
        triedNow = 0;
        epoch = 0;
        missing = null;
    }

    static boolean valid(ReadPart part, Frame reply) {
        return ReadReply.valid(reply) && ReadReply.blockCount(reply) == part.blockCount;
    }
}
