package comet.server.nbd;

import comet.port.Errno;
import java.nio.charset.StandardCharsets;

/// Numbers and layouts of the protocol; all fields are big-endian. Names as in its document.
final class Nbd {
    private Nbd() {}

    static final long INIT_MAGIC = 0x4e42444d41474943L; // "NBDMAGIC"
    static final long OPTION_MAGIC = 0x49484156454F5054L; // "IHAVEOPT"
    static final long REPLY_MAGIC = 0x3e889045565a9L;
    static final int REQUEST_MAGIC = 0x25609513;
    static final int SIMPLE_MAGIC = 0x67446698;
    static final int CHUNK_MAGIC = 0x668e33ef;

    /// Handshake flags; a client answers with the same bits.
    static final int FIXED_NEWSTYLE = 1;

    static final int NO_ZEROES = 2;

    /// Zeros after the answer to EXPORT_NAME, unless both sides agreed to leave them out.
    static final int EXPORT_NAME_ZEROES = 124;

    static final int OPTION_BYTES = 16;
    static final int REQUEST_BYTES = 28;

    static final int OPT_EXPORT_NAME = 1;
    static final int OPT_ABORT = 2;
    static final int OPT_LIST = 3;
    static final int OPT_STARTTLS = 5;
    static final int OPT_INFO = 6;
    static final int OPT_GO = 7;
    static final int OPT_STRUCTURED_REPLY = 8;
    static final int OPT_LIST_META_CONTEXT = 9;
    static final int OPT_SET_META_CONTEXT = 10;

    static final int REP_ACK = 1;
    static final int REP_SERVER = 2;
    static final int REP_INFO = 3;
    static final int REP_META_CONTEXT = 4;
    static final int REP_ERR_UNSUP = 0x80000001;
    static final int REP_ERR_POLICY = 0x80000002;
    static final int REP_ERR_INVALID = 0x80000003;
    static final int REP_ERR_TLS_REQD = 0x80000005;
    static final int REP_ERR_UNKNOWN = 0x80000006;
    static final int REP_ERR_SHUTDOWN = 0x80000007;
    static final int REP_ERR_TOO_BIG = 0x80000009;

    static final int INFO_EXPORT = 0;
    static final int INFO_NAME = 1;
    static final int INFO_DESCRIPTION = 2;
    static final int INFO_BLOCK_SIZE = 3;

    /// Transmission flags.
    static final int HAS_FLAGS = 1;

    static final int READ_ONLY = 1 << 1;
    static final int SEND_FLUSH = 1 << 2;
    static final int SEND_FUA = 1 << 3;
    static final int SEND_TRIM = 1 << 5;
    static final int SEND_WRITE_ZEROES = 1 << 6;
    static final int SEND_DF = 1 << 7;
    static final int CAN_MULTI_CONN = 1 << 8;
    static final int SEND_CACHE = 1 << 10;
    static final int SEND_FAST_ZERO = 1 << 11;

    static final int CMD_READ = 0;
    static final int CMD_WRITE = 1;
    static final int CMD_DISC = 2;
    static final int CMD_FLUSH = 3;
    static final int CMD_TRIM = 4;
    static final int CMD_CACHE = 5;
    static final int CMD_WRITE_ZEROES = 6;
    static final int CMD_BLOCK_STATUS = 7;

    static final int FLAG_FUA = 1;
    static final int FLAG_NO_HOLE = 1 << 1;
    static final int FLAG_DF = 1 << 2;
    static final int FLAG_REQ_ONE = 1 << 3;
    static final int FLAG_FAST_ZERO = 1 << 4;

    static final int CHUNK_DONE = 1;
    static final int CHUNK_NONE = 0;
    static final int CHUNK_OFFSET_DATA = 1;
    static final int CHUNK_OFFSET_HOLE = 2;
    static final int CHUNK_BLOCK_STATUS = 5;
    static final int CHUNK_ERROR = 0x8001;

    static final int STATE_HOLE = 1;
    static final int STATE_ZERO = 2;

    static final String BASE_ALLOCATION = "base:allocation";

    /// The only context, so one id is enough. LIST answers 0, as the document wants.
    static final int BASE_ALLOCATION_ID = 1;

    static final int BLOCK_BYTES_MIN = 1;
    static final int BLOCK_BYTES_PREFERRED = 4096;

    /// What every server should take in one request, and what Comet offers: 32 MiB.
    static final int PAYLOAD_BYTES_MAX = 32 << 20;

    /// Why a request is answered with an error, in the order of checking. `text` goes to the client
    /// for people to read, where the reply has room for it.
    enum Refusal {
        NONE(0, ""),
        READ_ONLY(Errno.EPERM, "the export is read-only"),
        COMMAND(Errno.EINVAL, "unknown command"),
        FLAGS(Errno.EINVAL, "unknown flag, or a flag of another command"),
        TOO_LONG(Errno.EINVAL, "longer than the maximum payload"),
        READ_TOO_LONG(Errno.EOVERFLOW, "longer than the maximum payload"),
        PAST_END(Errno.EINVAL, "past the end of the export"),
        WRITE_PAST_END(Errno.ENOSPC, "past the end of the export"),
        FLUSH_RANGE(Errno.EINVAL, "a flush has no offset and no length"),
        NO_CONTEXT(Errno.EINVAL, "no metadata context was selected for this export"),
        NO_LENGTH(Errno.EINVAL, "a status of no bytes");

        final int errno;
        final byte[] text;

        Refusal(int errno, String text) {
            this.errno = errno;
            this.text = text.getBytes(StandardCharsets.UTF_8);
        }
    }

    /// A text that may hold what a client has sent, fit for a line of log and a terminal: without
    /// control characters, and short.
    static String printable(String text) {
        StringBuilder out = new StringBuilder();
        text.codePoints()
                .limit(NbdLimits.TEXT_CHARACTERS_MAX)
                .map(c -> isPrintable(c) ? c : '?')
                .forEach(out::appendCodePoint);
        return text.codePointCount(0, text.length()) > NbdLimits.TEXT_CHARACTERS_MAX
                ? out + "…"
                : out.toString();
    }

    private static boolean isPrintable(int c) {
        return switch (Character.getType(c)) {
            case Character.CONTROL,
                    Character.FORMAT,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR,
                    Character.SURROGATE,
                    Character.PRIVATE_USE,
                    Character.UNASSIGNED ->
                    false;
            default -> true;
        };
    }

    /// The protocol knows eight errors; everything else that a device may say becomes one of them.
    ///
    /// @param fastZero whether the request carried FAST_ZERO, the only one that may be answered
    ///   ENOTSUP
    static int errnoOnWire(int errno, boolean fastZero) {
        return switch (errno) {
            case Errno.OK,
                    Errno.EPERM,
                    Errno.EIO,
                    Errno.ENOMEM,
                    Errno.EINVAL,
                    Errno.ENOSPC,
                    Errno.ESHUTDOWN ->
                    errno;
            case Errno.EROFS -> Errno.EPERM;
            case Errno.ENOTSUP -> fastZero ? Errno.ENOTSUP : Errno.EIO;
            default -> Errno.EIO;
        };
    }
}
