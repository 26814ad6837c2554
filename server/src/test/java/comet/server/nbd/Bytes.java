package comet.server.nbd;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;

/// Builds what goes over the wire, big-endian.
final class Bytes {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    Bytes u8(int value) {
        bytes.write(value);
        return this;
    }

    Bytes u16(int value) {
        return u8(value >>> 8).u8(value);
    }

    Bytes u32(long value) {
        return u16((int) (value >>> 16)).u16((int) value);
    }

    Bytes u64(long value) {
        return u32(value >>> 32).u32(value);
    }

    Bytes text(String text) {
        return raw(text.getBytes(StandardCharsets.UTF_8));
    }

    /// A string with its length in front.
    Bytes string(String text) {
        return u32(text.getBytes(StandardCharsets.UTF_8).length).text(text);
    }

    Bytes raw(byte[] more) {
        bytes.writeBytes(more);
        return this;
    }

    Bytes raw(Bytes more) {
        return raw(more.array());
    }

    Bytes zeroes(int count) {
        return raw(new byte[count]);
    }

    /// Hexadecimal digits; blanks are for the reader.
    Bytes hex(String digits) {
        return raw(HexFormat.of().parseHex(digits.replace(" ", "").replace("\n", "")));
    }

    Bytes option(int option, Bytes data) {
        return u64(0x49484156454F5054L).u32(option).u32(data.size()).raw(data);
    }

    Bytes option(int option) {
        return option(option, new Bytes());
    }

    Bytes optionReply(int option, int type, Bytes data) {
        return u64(0x3e889045565a9L).u32(option).u32(type).u32(data.size()).raw(data);
    }

    Bytes optionReply(int option, int type) {
        return optionReply(option, type, new Bytes());
    }

    Bytes go(int option, String name, int... items) {
        Bytes data = new Bytes().string(name).u16(items.length);
        for (int item : items) {
            data.u16(item);
        }
        return option(option, data);
    }

    Bytes meta(int option, String name, String... queries) {
        Bytes data = new Bytes().string(name).u32(queries.length);
        for (String query : queries) {
            data.string(query);
        }
        return option(option, data);
    }

    Bytes request(int flags, int command, long cookie, long offset, long length) {
        return u32(0x25609513).u16(flags).u16(command).u64(cookie).u64(offset).u32(length);
    }

    Bytes simple(int errno, long cookie) {
        return u32(0x67446698).u32(errno).u64(cookie);
    }

    Bytes chunk(int flags, int type, long cookie, Bytes payload) {
        return u32(0x668e33ef).u16(flags).u16(type).u64(cookie).u32(payload.size()).raw(payload);
    }

    /// An error chunk that is the whole reply.
    Bytes errorChunk(long cookie, int errno, String text) {
        return chunk(1, 0x8001, cookie, new Bytes().u32(errno).u16(text.length()).text(text));
    }

    int size() {
        return bytes.size();
    }

    byte[] array() {
        return bytes.toByteArray();
    }

    @Override
    public String toString() {
        return HexFormat.ofDelimiter(" ").formatHex(array());
    }
}
