package comet.sim;

import comet.base.Versions;
import comet.sim.check.G3NothingStale;
import comet.sim.check.G6OneWriter;
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

/// Watches the links between gateways and disks for the checkers that judge what disks say.
final class FrameTap implements SimNet.Tap {
    private final G3NothingStale stale;
    private final G6OneWriter oneWriter;

    /// Numbers of links; never iterated.
    private final IdentityHashMap<SimLink, Long> numbers = new IdentityHashMap<>();

    FrameTap(G3NothingStale stale, G6OneWriter oneWriter) {
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

    @Override
    public void onDeliver(SimLink.End to, Frame frame) {
        if (to.isClient) {
            return;
        }
        SimLink link = to.link();
        switch (frame.type()) {
            case MessageType.READ ->
                    stale.onRead(
                            request(link, frame),
                            ReadRequest.pg(frame),
                            ReadRequest.volumeId(frame),
                            ReadRequest.chunkIndex(frame));
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
