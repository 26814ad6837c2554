package comet.sim;

import comet.base.Versions;
import comet.sim.check.G3NothingStale;
import comet.sim.check.G6OneWriter;
import comet.sim.check.Rotten;
import comet.wire.BlockState;
import comet.wire.Frame;
import comet.wire.Hello;
import comet.wire.Lane;
import comet.wire.MessageType;
import comet.wire.ReadReply;
import comet.wire.ReadRequest;
import comet.wire.Status;
import comet.wire.SyncRequest;
import comet.wire.WriteRequest;
import java.util.IdentityHashMap;
import java.util.TreeMap;

/// Watches the links between gateways and disks for the checkers that judge what disks say.
final class FrameTap implements SimNet.Tap {
    private final G3NothingStale stale;
    private final G6OneWriter oneWriter;
    private final Rotten rotten;

    /// What reads asked for, by request: volume, chunk, first block.
    private final TreeMap<Long, Rotten.Place> reads = new TreeMap<>();

    /// Numbers of links; never iterated.
    private final IdentityHashMap<SimLink, Long> numbers = new IdentityHashMap<>();

    FrameTap(G3NothingStale stale, G6OneWriter oneWriter, Rotten rotten) {
        this.rotten = rotten;
        this.stale = stale;
        this.oneWriter = oneWriter;
    }

    private long request(SimLink link, Frame frame) {
        long number = numbers.computeIfAbsent(link, l -> numbers.size() + 1L);
        return number << 44 | (frame.requestId() & (1L << 44) - 1);
    }

    @Override
    public Frame onSend(SimLink.End from, Frame frame) {
        SimLink link = from.link();
        if (frame.type() == MessageType.HELLO) {
            Hello hello = Hello.decode(frame);
            if (hello != null) {
                link.lane = hello.lane().code;
                link.diskId = hello.diskId();
                link.clientId = hello.clientId();
            }
        } else if (!from.isClient) {
            onReply(link, frame);
        }
        return frame;
    }

    private void onReply(SimLink link, Frame frame) {
        boolean ok = frame.status() == Status.OK;
        switch (frame.type()) {
            case MessageType.HELLO_REPLY -> {
                if (ok && frame.headBytes() >= Hello.Answer.HEAD_BYTES) {
                    link.bootId = Hello.Answer.decode(frame).bootId();
                }
            }
            case MessageType.READ_REPLY -> {
                if (ok && link.lane == Lane.READ.code) {
                    noteBadBlocks(request(link, frame), frame);
                    stale.onAnswer(
                            request(link, frame), link.diskId, link.bootId, ReadReply.epoch(frame));
                }
            }
            case MessageType.WRITE_REPLY -> {
                if (ok || frame.status() == Status.NOTED) {
                    oneWriter.onWritten(request(link, frame), link.diskId);
                }
            }
            case MessageType.OPEN_REPLY -> {
                if (ok) {
                    oneWriter.onOpened(request(link, frame), link.diskId);
                }
            }
            default -> {}
        }
    }

    private static Rotten.Place place(SimLink link, Frame read) {
        return new Rotten.Place(
                link.diskId,
                ReadRequest.volumeId(read),
                ReadRequest.chunkIndex(read),
                ReadRequest.firstBlock(read));
    }

    /// A disk tells a client that blocks are corrupt: from now on it owes their repair.
    private void noteBadBlocks(long request, Frame reply) {
        Rotten.Place first = reads.remove(request);
        for (int n = 0; first != null && n < ReadReply.blockCount(reply); n++) {
            if (ReadReply.state(reply, n) == BlockState.CORRUPT) {
                rotten.met(
                        new Rotten.Place(
                                first.diskId(),
                                first.volumeId(),
                                first.chunkIndex(),
                                first.block() + n));
            }
        }
    }

    @Override
    public void onDeliver(SimLink.End to, Frame frame) {
        if (to.isClient) {
            return;
        }
        SimLink link = to.link();
        switch (frame.type()) {
            case MessageType.READ -> {
                reads.put(request(link, frame), place(link, frame));
                stale.onRead(
                        request(link, frame),
                        ReadRequest.pg(frame),
                        ReadRequest.volumeId(frame),
                        ReadRequest.chunkIndex(frame));
            }
            case MessageType.WRITE ->
                    oneWriter.onWrite(
                            request(link, frame),
                            link.diskId,
                            WriteRequest.volumeId(frame),
                            Versions.term(WriteRequest.version(frame)));
            case MessageType.OPEN ->
                    oneWriter.onOpen(
                            request(link, frame),
                            SyncRequest.volumeId(frame),
                            SyncRequest.term(frame));
            default -> {}
        }
    }
}
