package comet.server.nbd;

import comet.volume.BlockDevice;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The first phase: greeting and options. One option at a time; each ends with an ACK or an error.
/// Nothing is opened before a client has decided for an export.
final class NbdHandshake {
    private enum State {
        CLIENT_FLAGS,
        OPTION,
        DATA,
        /// The data of an option is not looked at.
        SKIP,
        /// The exports are asked; nothing is read meanwhile.
        ANSWERING,
        /// On the way to the loop that serves the export; nothing is read meanwhile.
        MOVING,
        ENDED
    }

    private final NbdSession session;
    private final NbdOptionReplies replies;
    private State state = State.CLIENT_FLAGS;
    private final NbdTls.Mode tls;

    /// TLS has been started: from then on only what came encrypted counts.
    private boolean encrypted;

    private boolean noZeroes;
    private boolean structured;

    /// The export for which a context was selected by the last SET_META_CONTEXT, or null.
    private @Nullable String contextExport;

    /// Opens the export where the connection moves to.
    private Runnable afterMove = () -> {};

    private int option;
    private long dataLeft;
    private ByteBuf data = Unpooled.EMPTY_BUFFER;

    NbdHandshake(NbdSession session, NbdTls.Mode tls) {
        this.session = session;
        this.tls = tls;
        replies = new NbdOptionReplies(session.wire);
    }

    void greet() {
        ByteBuf out = session.wire.out();
        out.writeLong(Nbd.INIT_MAGIC);
        out.writeLong(Nbd.OPTION_MAGIC);
        out.writeShort(Nbd.FIXED_NEWSTYLE | Nbd.NO_ZEROES);
    }

    boolean answering() {
        return state == State.ANSWERING;
    }

    boolean moving() {
        return state == State.MOVING;
    }

    /// The session has ended: an export that is still being opened will be given back.
    void drop() {
        state = State.ENDED;
        data = Unpooled.EMPTY_BUFFER;
    }

    NbdSession.Step consume(ByteBuf in) {
        return switch (state) {
            case CLIENT_FLAGS -> clientFlags(in);
            case OPTION -> option(in);
            case DATA -> data(in);
            case SKIP -> skip(in);
            case ANSWERING, MOVING -> NbdSession.Step.BLOCKED;
            case ENDED -> NbdSession.Step.NEED_BYTES;
        };
    }

    private NbdSession.Step clientFlags(ByteBuf in) {
        ByteBuf header = session.whole(in, 4);
        if (header == null) {
            return NbdSession.Step.NEED_BYTES;
        }
        int flags = header.readInt();
        if ((flags & ~(Nbd.FIXED_NEWSTYLE | Nbd.NO_ZEROES)) != 0) {
            session.violation("unknown client flags");
            return NbdSession.Step.NEED_BYTES;
        }
        noZeroes = (flags & Nbd.NO_ZEROES) != 0;
        state = State.OPTION;
        return NbdSession.Step.GO_ON;
    }

    private NbdSession.Step option(ByteBuf in) {
        if (session.wire.congested()) {
            return NbdSession.Step.BLOCKED;
        }
        ByteBuf header = session.whole(in, Nbd.OPTION_BYTES);
        if (header == null) {
            return NbdSession.Step.NEED_BYTES;
        }
        long magic = header.readLong();
        option = header.readInt();
        dataLeft = header.readUnsignedInt();
        replies.option(option);
        if (magic != Nbd.OPTION_MAGIC) {
            session.violation("an option without the magic number");
            return NbdSession.Step.NEED_BYTES;
        }
        if (dataLeft > NbdLimits.OPTION_BYTES_MAX || !known(option) || refused()) {
            state = State.SKIP;
        } else {
            // Grows with what really arrives.
            data = Unpooled.buffer((int) Math.min(dataLeft, 256), (int) dataLeft);
            state = State.DATA;
        }
        return NbdSession.Step.GO_ON;
    }

    /// The option has to wait for TLS.
    private boolean refused() {
        return tls == NbdTls.Mode.REQUIRED
                && !encrypted
                && option != Nbd.OPT_STARTTLS
                && option != Nbd.OPT_ABORT;
    }

    private static boolean known(int option) {
        return switch (option) {
            case Nbd.OPT_EXPORT_NAME,
                    Nbd.OPT_ABORT,
                    Nbd.OPT_LIST,
                    Nbd.OPT_STARTTLS,
                    Nbd.OPT_INFO,
                    Nbd.OPT_GO,
                    Nbd.OPT_STRUCTURED_REPLY,
                    Nbd.OPT_LIST_META_CONTEXT,
                    Nbd.OPT_SET_META_CONTEXT ->
                    true;
            default -> false;
        };
    }

    private NbdSession.Step skip(ByteBuf in) {
        int skipped = (int) Math.min(dataLeft, in.readableBytes());
        in.skipBytes(skipped);
        dataLeft -= skipped;
        if (dataLeft > 0) {
            return NbdSession.Step.NEED_BYTES;
        }
        state = State.OPTION;
        if (option == Nbd.OPT_EXPORT_NAME) {
            session.violation(
                    refused()
                            ? "TLS is required, and the client does not ask for it"
                            : "an export name that is too long");
        } else if (refused()) {
            session.wire.turnedAway("TLS is required, and the client has not started it");
            replies.error(Nbd.REP_ERR_TLS_REQD, "this server requires TLS");
        } else if (option == Nbd.OPT_ABORT) {
            replies.ack();
            session.end();
        } else if (known(option)) {
            clearContext();
            replies.error(Nbd.REP_ERR_TOO_BIG, "option data longer than 64 KiB");
        } else {
            replies.error(Nbd.REP_ERR_UNSUP, "unknown option");
        }
        return NbdSession.Step.GO_ON;
    }

    private NbdSession.Step data(ByteBuf in) {
        int taken = (int) Math.min(dataLeft, in.readableBytes());
        data.writeBytes(in, taken);
        dataLeft -= taken;
        if (dataLeft > 0) {
            return NbdSession.Step.NEED_BYTES;
        }
        state = State.OPTION;
        ByteBuf whole = data;
        data = Unpooled.EMPTY_BUFFER;
        if (option == Nbd.OPT_STARTTLS) {
            startTls(whole, in);
        } else {
            answer(whole);
        }
        return NbdSession.Step.GO_ON;
    }

    /// Nothing that was said in the clear counts any more. Bytes behind the option were sent before
    /// its answer: somebody else's, who wants them to be taken for the client's.
    private void startTls(ByteBuf data, ByteBuf behind) {
        if (!empty(data)) {
            return;
        }
        if (tls == NbdTls.Mode.OFF) {
            replies.error(Nbd.REP_ERR_UNSUP, "this server does not offer TLS");
        } else if (encrypted) {
            replies.error(Nbd.REP_ERR_INVALID, "TLS has been started already");
        } else if (behind.isReadable()) {
            session.violation("bytes in the clear behind STARTTLS");
        } else {
            replies.ack();
            encrypted = true;
            structured = false;
            contextExport = null;
            session.wire.startTls();
        }
    }

    private void answer(ByteBuf data) {
        switch (option) {
            case Nbd.OPT_EXPORT_NAME -> exportName(data);
            case Nbd.OPT_ABORT -> {
                replies.ack();
                session.end();
            }
            case Nbd.OPT_LIST -> {
                if (empty(data)) {
                    list();
                }
            }
            case Nbd.OPT_INFO, Nbd.OPT_GO -> info(data);
            case Nbd.OPT_STRUCTURED_REPLY -> {
                if (empty(data)) {
                    structured = true;
                    replies.ack();
                }
            }
            default -> metaContext(data);
        }
    }

    private boolean empty(ByteBuf data) {
        if (data.isReadable()) {
            replies.error(Nbd.REP_ERR_INVALID, "this option has no data");
            return false;
        }
        return true;
    }

    private void list() {
        state = State.ANSWERING;
        session.shared.exports.list(exports -> {
            if (resumed()) {
                exports.forEach(replies::server);
                replies.ack();
            }
        });
    }

    private void exportName(ByteBuf data) {
        if (data.readableBytes() > NbdLimits.NAME_BYTES_MAX) {
            session.violation("an export name that is too long");
            return;
        }
        String name = data.toString(StandardCharsets.UTF_8);
        open(
                name,
                export ->
                        replies.exportName(
                                export, NbdOptionReplies.flags(export, structured), noZeroes),
                (_, text) -> session.violation("export name: " + text));
    }

    private void info(ByteBuf data) {
        InfoRequest request = InfoRequest.parse(data);
        if (request == null) {
            replies.error(Nbd.REP_ERR_INVALID, "malformed request for information");
            return;
        }
        if (option == Nbd.OPT_GO) {
            open(
                    request.name(),
                    export -> {
                        replies.info(export, request, structured);
                        replies.ack();
                    },
                    replies::refused);
            return;
        }
        find(
                request.name(),
                export -> {
                    replies.info(export, request, structured);
                    replies.ack();
                });
    }

    private void metaContext(ByteBuf data) {
        boolean set = option == Nbd.OPT_SET_META_CONTEXT;
        if (set) {
            clearContext();
        }
        if (!structured) {
            replies.error(Nbd.REP_ERR_INVALID, "structured replies come first");
            return;
        }
        MetaQuery query = MetaQuery.parse(data);
        if (query == null) {
            replies.error(Nbd.REP_ERR_INVALID, "malformed query");
            return;
        }
        find(
                query.name(),
                _ -> {
                    if (set ? query.selects() : query.lists()) {
                        replies.metaContext(set ? Nbd.BASE_ALLOCATION_ID : 0);
                        if (set) {
                            contextExport = query.name();
                        }
                    }
                    replies.ack();
                });
    }

    /// A new selection replaces the old one even if it fails.
    private void clearContext() {
        if (option == Nbd.OPT_SET_META_CONTEXT) {
            contextExport = null;
        }
    }

    /// What to do with an export that was found.
    private interface OnExport {
        void found(Exports.Export export);
    }

    private interface OnRefusal {
        void refused(Exports.Refusal why, String text);
    }

    private void find(String name, OnExport onExport) {
        state = State.ANSWERING;
        session.shared.exports.find(
                name,
                new Exports.Found() {
                    @Override
                    public void found(Exports.Export export) {
                        if (resumed()) {
                            onExport.found(export);
                        }
                    }

                    @Override
                    public void refused(Exports.Refusal why, String text) {
                        if (resumed()) {
                            replies.refused(why, text);
                        }
                    }
                });
    }

    private void open(String name, OnExport onExport, OnRefusal onRefusal) {
        state = State.ANSWERING;
        session.shared.exports.open(
                name,
                new Exports.Opened() {
                    @Override
                    public void opened(Exports.Export export, BlockDevice device) {
                        if (!resumed()) {
                            session.shared.exports.close(device);
                            return;
                        }
                        onExport.found(export);
                        boolean context = name.equals(contextExport);
                        session.enter(
                                device,
                                new NbdTransmission(
                                        session, device, structured, export.readOnly(), context));
                    }

                    @Override
                    public void elsewhere(int place) {
                        if (state == State.ANSWERING) {
                            state = State.MOVING;
                            afterMove = () -> open(name, onExport, onRefusal);
                            session.wire.move(place);
                        }
                    }

                    @Override
                    public void refused(Exports.Refusal why, String text) {
                        if (resumed()) {
                            onRefusal.refused(why, text);
                        }
                    }
                });
    }

    /// The connection is where the export is served. Should its name have been given to another
    /// volume meanwhile, it moves on.
    void moved() {
        if (state == State.MOVING) {
            afterMove.run();
        }
    }

    /// The exports have answered; false if nobody waits for it any more.
    private boolean resumed() {
        if (state != State.ANSWERING) {
            return false;
        }
        state = State.OPTION;
        session.unblock();
        return true;
    }

    /// The data of INFO and GO.
    record InfoRequest(String name, List<Integer> items) {
        static @Nullable InfoRequest parse(ByteBuf data) {
            String name = NbdHandshake.string(data);
            if (name == null || data.readableBytes() < 2) {
                return null;
            }
            int count = data.readUnsignedShort();
            if (data.readableBytes() != 2 * count) {
                return null;
            }
            Integer[] items = new Integer[count];
            for (int i = 0; i < count; i++) {
                items[i] = data.readUnsignedShort();
            }
            return new InfoRequest(name, List.of(items));
        }
    }

    /// The data of LIST_META_CONTEXT and SET_META_CONTEXT. Queries of namespaces that are not known
    /// match nothing.
    record MetaQuery(String name, boolean lists, boolean selects) {
        static @Nullable MetaQuery parse(ByteBuf data) {
            String name = NbdHandshake.string(data);
            if (name == null || data.readableBytes() < 4) {
                return null;
            }
            long count = data.readUnsignedInt();
            boolean lists = count == 0;
            boolean selects = false;
            for (long i = 0; i < count; i++) {
                String query = NbdHandshake.string(data);
                if (query == null) {
                    return null;
                }
                boolean exact = query.equals(Nbd.BASE_ALLOCATION);
                selects |= exact;
                lists |= exact || query.equals("base:");
            }
            return data.isReadable() ? null : new MetaQuery(name, lists, selects);
        }
    }

    /// A string with its length in front, or null if it is too long or not all there.
    static @Nullable String string(ByteBuf data) {
        if (data.readableBytes() < 4) {
            return null;
        }
        long length = data.readUnsignedInt();
        if (length > NbdLimits.NAME_BYTES_MAX || length > data.readableBytes()) {
            return null;
        }
        return data.readString((int) length, StandardCharsets.UTF_8);
    }
}
