package comet.sim;

import comet.base.Versions;
import comet.wire.ChunkRequest;
import comet.wire.Frame;
import comet.wire.Hello;
import comet.wire.MessageType;
import comet.wire.ReadReply;
import comet.wire.ReadRequest;
import comet.wire.Status;
import comet.wire.SyncRequest;
import comet.wire.WriteReply;
import comet.wire.WriteRequest;

/// Frames in words, for traces.
final class FrameText {
    private FrameText() {}

    static String of(Frame f) {
        return "#" + f.requestId() + " " + body(f);
    }

    private static String body(Frame f) {
        String status = " " + Status.text(f.status());
        return switch (f.type()) {
            case MessageType.HELLO -> "HELLO " + Hello.decode(f);
            case MessageType.HELLO_REPLY -> "HELLO_REPLY" + status;
            case MessageType.OPEN ->
                    "OPEN v" + SyncRequest.volumeId(f) + " term " + SyncRequest.term(f) + pgs(f);
            case MessageType.OPEN_REPLY -> "OPEN_REPLY" + status + pgs(f);
            case MessageType.SYNC -> "SYNC v" + SyncRequest.volumeId(f) + pgs(f);
            case MessageType.SYNC_REPLY ->
                    "SYNC_REPLY" + status + " durable " + SyncRequest.durableSequence(f) + pgs(f);
            case MessageType.WRITE -> write(f);
            case MessageType.WRITE_REPLY ->
                    "WRITE_REPLY"
                            + status
                            + " e"
                            + WriteReply.epoch(f)
                            + " "
                            + Versions.text(WriteReply.version(f))
                            + " durable "
                            + WriteReply.durableSequence(f)
                            + " credit "
                            + WriteReply.creditBytes(f);
            case MessageType.READ ->
                    "READ v"
                            + ReadRequest.volumeId(f)
                            + "/"
                            + ReadRequest.chunkIndex(f)
                            + " pg"
                            + ReadRequest.pg(f)
                            + " e"
                            + ReadRequest.epoch(f)
                            + " t"
                            + ReadRequest.term(f)
                            + " blocks "
                            + ReadRequest.firstBlock(f)
                            + "+"
                            + ReadRequest.blockCount(f);
            case MessageType.READ_REPLY -> readReply(f, status);
            case MessageType.LIST -> "LIST";
            case MessageType.LIST_REPLY, MessageType.LIST_PG_REPLY -> list(f, status);
            case MessageType.LIST_PG -> "LIST_PG pg" + f.getInt(24) + " e" + f.getLong(32);
            case MessageType.MAP, MessageType.LEVEL, MessageType.BLOCKS ->
                    (f.type() == MessageType.MAP
                                    ? "MAP"
                                    : f.type() == MessageType.LEVEL ? "LEVEL" : "BLOCKS")
                            + " v"
                            + ChunkRequest.volumeId(f)
                            + "/"
                            + ChunkRequest.chunkIndex(f)
                            + " e"
                            + ChunkRequest.epoch(f)
                            + " "
                            + Versions.text(ChunkRequest.version(f));
            case MessageType.MAP_REPLY, MessageType.LEVEL_REPLY, MessageType.BLOCKS_REPLY ->
                    "CHUNK_REPLY "
                            + f.type()
                            + status
                            + " e"
                            + ChunkRequest.replyEpoch(f)
                            + " "
                            + Versions.text(ChunkRequest.replyVersion(f));
            case MessageType.CREDIT ->
                    "CREDIT " + f.getLong(24) + " durable " + f.getLong(32) + " flags " + f.flags();
            case MessageType.CREDIT_NEED ->
                    "CREDIT_NEED " + f.getLong(24) + " returned " + f.getLong(32);
            default -> "type " + f.type() + status;
        };
    }

    private static String write(Frame f) {
        return "WRITE v"
                + WriteRequest.volumeId(f)
                + "/"
                + WriteRequest.chunkIndex(f)
                + " pg"
                + WriteRequest.pg(f)
                + " e"
                + WriteRequest.epoch(f)
                + " "
                + Versions.text(WriteRequest.previous(f))
                + "->"
                + Versions.text(WriteRequest.version(f))
                + " op"
                + WriteRequest.op(f)
                + " blocks "
                + WriteRequest.firstBlock(f)
                + "+"
                + WriteRequest.blockCount(f)
                + " seq "
                + WriteRequest.sequence(f)
                + " flags "
                + f.flags();
    }

    private static String readReply(Frame f, String status) {
        StringBuilder states = new StringBuilder();
        for (int n = 0; n < Math.min(ReadReply.blockCount(f), 64); n++) {
            states.append(ReadReply.state(f, n));
        }
        return "READ_REPLY"
                + status
                + " e"
                + ReadReply.epoch(f)
                + " "
                + Versions.text(ReadReply.version(f))
                + " states "
                + states;
    }

    private static String list(Frame f, String status) {
        StringBuilder out = new StringBuilder("LIST_REPLY" + status);
        for (int n = 0; n < Math.min(comet.wire.ChunkList.count(f), 20); n++) {
            out.append(" v")
                    .append(comet.wire.ChunkList.volumeId(f, n))
                    .append('/')
                    .append(comet.wire.ChunkList.chunkIndex(f, n))
                    .append('=')
                    .append(Versions.text(comet.wire.ChunkList.version(f, n)));
        }
        return out.toString();
    }

    private static String pgs(Frame f) {
        StringBuilder out = new StringBuilder();
        for (int n = 0; n < Math.min(SyncRequest.count(f), 16); n++) {
            out.append(" pg")
                    .append(SyncRequest.pg(f, n))
                    .append(":e")
                    .append(SyncRequest.epoch(f, n));
            if (SyncRequest.entryStatus(f, n) != 0) {
                out.append(':').append(Status.text(SyncRequest.entryStatus(f, n)));
            }
        }
        return out.toString();
    }
}
