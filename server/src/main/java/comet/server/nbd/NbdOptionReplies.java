package comet.server.nbd;

import comet.server.nbd.NbdHandshake.InfoRequest;
import io.netty.buffer.ByteBuf;
import java.nio.charset.StandardCharsets;

/// Answers to options.
final class NbdOptionReplies {
    private static final int FLAGS_ALWAYS =
            Nbd.HAS_FLAGS | Nbd.SEND_FLUSH | Nbd.SEND_FUA | Nbd.CAN_MULTI_CONN | Nbd.SEND_CACHE;
    private static final int FLAGS_WRITABLE =
            Nbd.SEND_TRIM | Nbd.SEND_WRITE_ZEROES | Nbd.SEND_FAST_ZERO;

    private final NbdWire wire;
    private int option;

    NbdOptionReplies(NbdWire wire) {
        this.wire = wire;
    }

    /// The option that is being answered.
    void option(int option) {
        this.option = option;
    }

    static int flags(Exports.Export export, boolean structured) {
        return FLAGS_ALWAYS
                | (export.readOnly() ? Nbd.READ_ONLY : FLAGS_WRITABLE)
                | (structured ? Nbd.SEND_DF : 0);
    }

    void ack() {
        head(Nbd.REP_ACK, 0);
    }

    void error(int type, String text) {
        byte[] bytes = Nbd.printable(text).getBytes(StandardCharsets.UTF_8);
        head(type, bytes.length).writeBytes(bytes);
    }

    void refused(Exports.Refusal why, String text) {
        error(
                switch (why) {
                    case UNKNOWN -> Nbd.REP_ERR_UNKNOWN;
                    case POLICY -> Nbd.REP_ERR_POLICY;
                    case SHUTDOWN -> Nbd.REP_ERR_SHUTDOWN;
                },
                text);
    }

    void server(Exports.Export export) {
        byte[] name = export.name().getBytes(StandardCharsets.UTF_8);
        byte[] description = export.description().getBytes(StandardCharsets.UTF_8);
        ByteBuf out = head(Nbd.REP_SERVER, 4 + name.length + description.length);
        out.writeInt(name.length);
        out.writeBytes(name);
        out.writeBytes(description);
    }

    void metaContext(int id) {
        byte[] name = Nbd.BASE_ALLOCATION.getBytes(StandardCharsets.UTF_8);
        ByteBuf out = head(Nbd.REP_META_CONTEXT, 4 + name.length);
        out.writeInt(id);
        out.writeBytes(name);
    }

    /// Size and flags always, the rest where the client asks.
    void info(Exports.Export export, InfoRequest request, boolean structured) {
        ByteBuf out = head(Nbd.REP_INFO, 12);
        out.writeShort(Nbd.INFO_EXPORT);
        out.writeLong(export.sizeBytes());
        out.writeShort(flags(export, structured));
        if (request.items().contains(Nbd.INFO_NAME)) {
            text(Nbd.INFO_NAME, export.name());
        }
        if (request.items().contains(Nbd.INFO_DESCRIPTION) && !export.description().isEmpty()) {
            text(Nbd.INFO_DESCRIPTION, export.description());
        }
        if (request.items().contains(Nbd.INFO_BLOCK_SIZE)) {
            out = head(Nbd.REP_INFO, 14);
            out.writeShort(Nbd.INFO_BLOCK_SIZE);
            out.writeInt(Nbd.BLOCK_BYTES_MIN);
            out.writeInt(Nbd.BLOCK_BYTES_PREFERRED);
            out.writeInt(Nbd.PAYLOAD_BYTES_MAX);
        }
    }

    void exportName(Exports.Export export, int flags, boolean noZeroes) {
        ByteBuf out = wire.out();
        out.writeLong(export.sizeBytes());
        out.writeShort(flags);
        if (!noZeroes) {
            out.writeZero(Nbd.EXPORT_NAME_ZEROES);
        }
    }

    private void text(int type, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        ByteBuf out = head(Nbd.REP_INFO, 2 + bytes.length);
        out.writeShort(type);
        out.writeBytes(bytes);
    }

    private ByteBuf head(int type, int length) {
        ByteBuf out = wire.out();
        out.writeLong(Nbd.REPLY_MAGIC);
        out.writeInt(option);
        out.writeInt(type);
        out.writeInt(length);
        return out;
    }
}
