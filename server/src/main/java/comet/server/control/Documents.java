package comet.server.control;

import comet.base.Buf;
import comet.base.BufPool;
import comet.port.Connection;
import comet.server.json.Json;
import comet.wire.Frame;
import comet.wire.FramePool;
import java.io.ByteArrayOutputStream;
import java.util.zip.DataFormatException;
import java.util.zip.Deflater;
import java.util.zip.Inflater;
import org.jspecify.annotations.Nullable;

/// JSON documents in frames. A document above 16 KiB is deflated (zlib), and one that is still
/// above 1 MiB is cut: its frames follow one another with the same type and id, all but the last
/// flagged MORE. (The map of 8,192 placement groups is about 0.8 MB of JSON and a twentieth of that
/// deflated.)
final class Documents {
    /// Flag: another frame of this document follows.
    static final int MORE = 1;

    /// Flag: the document, all its frames together, is deflated.
    static final int DEFLATED = 2;

    static final int FRAME_DATA_MAX = 1 << 20;

    /// What one document may take on the wire and as text.
    static final int WIRE_BYTES_MAX = 32 << 20;

    static final int TEXT_BYTES_MAX = 256 << 20;

    private static final int DEFLATE_ABOVE = 16 << 10;

    static final Json JSON =
            new Json(
                    ControlMessage.Request.class,
                    ControlMessage.Response.class,
                    ControlMessage.Push.class);

    private Documents() {}

    /// A document ready for the wire.
    record Encoded(byte[] bytes, boolean deflated) {}

    static Encoded encode(Object message) {
        byte[] text = JSON.bytes(message);
        return text.length > DEFLATE_ABOVE
                ? new Encoded(deflate(text), true)
                : new Encoded(text, false);
    }

    static <T> T decode(Encoded encoded, Class<T> type, int textBytesMax)
            throws Json.MalformedException {
        byte[] text = encoded.bytes;
        if (encoded.deflated) {
            text = inflate(text, textBytesMax);
        }
        return JSON.read(text, type);
    }

    private static byte[] deflate(byte[] text) {
        Deflater deflater = new Deflater(Deflater.BEST_SPEED);
        try {
            deflater.setInput(text);
            deflater.finish();
            ByteArrayOutputStream out = new ByteArrayOutputStream(text.length / 8);
            byte[] part = new byte[64 << 10];
            while (!deflater.finished()) {
                out.write(part, 0, deflater.deflate(part));
            }
            return out.toByteArray();
        } finally {
            deflater.end();
        }
    }

    private static byte[] inflate(byte[] bytes, int textBytesMax) throws Json.MalformedException {
        Inflater inflater = new Inflater();
        try {
            inflater.setInput(bytes);
            ByteArrayOutputStream out = new ByteArrayOutputStream(bytes.length * 4);
            byte[] part = new byte[64 << 10];
            while (!inflater.finished()) {
                int length = inflater.inflate(part);
                if (length == 0 && !inflater.finished() || out.size() + length > textBytesMax) {
                    throw new Json.MalformedException("a deflated document is cut or too long");
                }
                out.write(part, 0, length);
            }
            return out.toByteArray();
        } catch (DataFormatException e) {
            throw new Json.MalformedException("a deflated document is damaged", e);
        } finally {
            inflater.end();
        }
    }

    /// Sends a document; on the connection's loop.
    static void send(
            Connection connection,
            FramePool frames,
            BufPool bufs,
            int type,
            long requestId,
            Encoded document) {
        byte[] bytes = document.bytes;
        int at = 0;
        do {
            int length = Math.min(FRAME_DATA_MAX, bytes.length - at);
            Buf data = bufs.take(length);
            data.bytes().put(0, bytes, at, length);
            at += length;
            int flags = (at < bytes.length ? MORE : 0) | (document.deflated ? DEFLATED : 0);
            Frame frame = frames.take().start(type, requestId, Frame.HEADER_BYTES);
            frame.flags(flags).data(data, 0, length);
            connection.send(frame);
        } while (at < bytes.length);
    }

    /// Puts documents together from frames; one per direction of a connection, on its loop.
    static final class Assembler {
        private final int wireBytesMax;
        private final ByteArrayOutputStream parts = new ByteArrayOutputStream();

        Assembler(int wireBytesMax) {
            this.wireBytesMax = wireBytesMax;
        }

        /// Adds a frame, which stays the caller's.
        ///
        /// @return the document if it is whole, or null
        @Nullable Encoded add(Frame frame) throws Json.MalformedException {
            int length = frame.dataBytes();
            if (!frame.hasData() || parts.size() + length > wireBytesMax) {
                throw new Json.MalformedException("a document is empty or too long");
            }
            byte[] part = new byte[length];
            frame.data().bytes().get(frame.dataOffset(), part);
            boolean deflated = (frame.flags() & DEFLATED) != 0;
            boolean more = (frame.flags() & MORE) != 0;
            if (!more && parts.size() == 0) {
                return new Encoded(part, deflated);
            }
            parts.write(part, 0, length);
            if (more) {
                return null;
            }
            Encoded whole = new Encoded(parts.toByteArray(), deflated);
            parts.reset();
            return whole;
        }
    }
}
