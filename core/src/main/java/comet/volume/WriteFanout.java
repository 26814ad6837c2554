package comet.volume;

import comet.base.Check;
import comet.base.Versions;
import comet.port.Errno;
import comet.port.Events.Level;
import comet.wire.Frame;
import comet.wire.Status;
import comet.wire.WriteReply;
import comet.wire.WriteRequest;

/// Gives a write its version and sends it to all members, once every IN_SYNC one has granted credit
/// for it; collects the answers. Complete when every member of the epoch has applied or noted it in
/// that epoch.
final class WriteFanout {
    /// A new term is taken when a chunk's count comes this near to its end.
    private static final long COUNT_LIMIT = Versions.COUNT_MAX - (1L << 20);

    private final Volume volume;
    private final Gateway gateway;

    WriteFanout(Volume volume) {
        this.volume = volume;
        gateway = volume.gateway();
    }

    /// Sends a part that is ready, or has it wait for what is missing.
    void offer(WritePart part) {
        if (!volume.chunkReady(part)) {
            return;
        }
        VolumePg pg = part.pg;
        DiskPeer waitFor = null;
        for (int m = 0; m < pg.members; m++) {
            if (!pg.inSync[m]) {
                continue;
            }
            DiskPeer peer = pg.peer(m);
            boolean enough = peer.creditFor(part) >= part.cost();
            if (peer.full() && !enough && part.hasData()) {
                part.finish(Errno.ENOSPC);
                return;
            }
            // Disks in one order: see DiskPeer about credit that is asked back.
            if ((!enough || !pg.writable(m))
                    && (waitFor == null || peer.diskId() < waitFor.diskId())) {
                waitFor = peer;
            }
        }
        if (waitFor == null) {
            send(part);
        } else {
            waitFor.awaitCredit(part);
        }
    }

    private void send(WritePart part) {
        VolumePg pg = part.pg;
        part.previous = volume.table().get(part.chunkIndex);
        part.version = Versions.next(part.previous, volume.term());
        volume.setVersion(pg, part.chunkIndex, part.version);
        if (Versions.count(part.version) > COUNT_LIMIT) {
            volume.attachment().renewTerm();
        }
        ActiveChunk chunk = part.active;
        if (chunk == null) {
            throw Check.failed("a write is sent out of order");
        }
        if (chunk.sent++ == 0) {
            chunk.completed = part.previous;
        }
        part.stage = WritePart.Stage.SENT;
        volume.attachment().wrote();
        volume.unsynced().add(part);
        for (int m = 0; m < pg.members; m++) {
            sendTo(part, m, false);
        }
    }

    /// Sends one write to one member where that is up; else it follows when it is.
    void sendTo(WritePart part, int member, boolean again) {
        VolumePg pg = part.pg;
        if (!pg.writable(member)) {
            pg.peer(member).connect();
            return;
        }
        DiskPeer peer = pg.peer(member);
        MemberWrite copy = part.copies[member];
        copy.requestId = peer.write().register(copy);
        copy.sequence = peer.nextSequence(again ? 0 : part.cost());
        peer.link(copy);
        Frame frame = gateway.frames().take();
        WriteRequest.start(frame, copy.requestId, part.op, part.blockCount);
        WriteRequest.target(frame, volume.id(), part.chunkIndex, pg.pg, pg.epoch);
        WriteRequest.versions(frame, part.previous, part.version, volume.generation(), 0);
        WriteRequest.firstBlock(frame, part.firstBlock);
        WriteRequest.sequence(frame, copy.sequence);
        frame.flags((part.durable ? WriteRequest.DURABLE : 0) | (again ? WriteRequest.RESEND : 0));
        if (part.op == WriteRequest.OP_DATA) {
            for (int n = 0; n < part.blockCount; n++) {
                WriteRequest.crc(frame, n, part.crcs[n]);
            }
            frame.data(part.data().retain(), part.dataOffset, part.dataBytes());
        }
        peer.write().send(frame);
    }

    /// Sends all kept writes of a PG to one member again, oldest first.
    void resend(VolumePg pg, int member) {
        for (WritePart part = pg.keptFirst; part != null; part = part.keptNext) {
            if (!part.copies[member].sent()) {
                sendTo(part, member, true);
            }
        }
    }

    void onReply(MemberWrite copy, Frame reply) {
        WritePart part = copy.part;
        VolumePg pg = part.pg;
        DiskPeer peer = copy.peer;
        if (peer == null) {
            throw Check.failed("an answer to a write that was taken back");
        }
        if (!WriteReply.valid(reply)) {
            peer.write().reconnect("a malformed answer to a write");
            return;
        }
        int status = reply.status();
        long durable = WriteReply.durableSequence(reply);
        long credit = WriteReply.creditBytes(reply);
        boolean counts = status == Status.OK || status == Status.NOTED;
        if (counts && WriteReply.epoch(reply) == pg.epoch) {
            copy.answered = true;
            volume.unsynced().settle(part);
        } else if (status == Status.FENCED) {
            volume.attachment().fenced();
        } else {
            refused(copy, pg, peer, reply);
        }
        peer.onDurable(durable);
        peer.onCreditBytes(credit);
    }

    /// The member must be asked again, by opening the PG anew; until then this sending is not heard
    /// of any more, and does not keep later writes of the connection from being durable.
    private void refused(MemberWrite copy, VolumePg pg, DiskPeer peer, Frame reply) {
        copy.answered = true;
        copy.recall();
        int status = reply.status();
        boolean usual =
                status == Status.OLD_EPOCH
                        || status == Status.NOT_A_REPLICA
                        || status == Status.OK
                        || status == Status.NOTED;
        if (!usual) {
            gateway.events()
                    .event(
                            Level.WARN,
                            "write-refused",
                            "volume="
                                    + volume.id()
                                    + " pg="
                                    + pg.pg
                                    + " disk="
                                    + peer.diskId()
                                    + " status="
                                    + Status.text(status)
                                    + " version="
                                    + Versions.text(WriteReply.version(reply)));
        }
        volume.opening().trouble(pg);
    }
}
