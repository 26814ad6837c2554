package comet.store;

import comet.base.Bytes;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/// The rows of a disk's index: keys (big-endian, the first byte says of what) and the values of the
/// smaller kinds. Values are little-endian.
///
/// ```
/// F volume                      u64 newest term seen
/// H volume chunk                header of a chunk, see encodeHeader
/// I                             u64,u64 uuid of the disk that the index belongs to
/// N name 0 piece                a note's value, in pieces of 32 KiB
/// P volume chunk generation page   128 blocks, see IndexPage
/// S segment piece               a bit per block of a segment, set: in use; 32,768 blocks a piece
/// T                             the journal's tail, see RingPlace; u64 newest sequence in the index
/// ```
final class IndexRows {
    private IndexRows() {}

    static final byte[] IDENTITY = {'I'};
    static final byte[] TAIL = {'T'};
    static final byte FENCE = 'F';
    static final byte HEADER = 'H';
    static final byte NOTE = 'N';
    static final byte PAGE = 'P';
    static final byte SPACE = 'S';

    static final int NOTE_PIECE_BYTES = 32 << 10;

    static byte[] firstOf(byte kind) {
        return new byte[] {kind};
    }

    static byte[] behind(byte kind) {
        return new byte[] {(byte) (kind + 1)};
    }

    static byte[] number(long value) {
        byte[] row = new byte[8];
        Bytes.putLong(row, 0, value);
        return row;
    }

    static byte[] fenceKey(long volumeId) {
        byte[] key = new byte[9];
        key[0] = FENCE;
        Bytes.putKeyLong(key, 1, volumeId);
        return key;
    }

    static byte[] headerKey(long volumeId, int chunkIndex) {
        byte[] key = new byte[13];
        key[0] = HEADER;
        Bytes.putKeyLong(key, 1, volumeId);
        Bytes.putKeyInt(key, 9, chunkIndex);
        return key;
    }

    static byte[] pageKey(long volumeId, int chunkIndex, int generation, int page) {
        byte[] key = new byte[18];
        key[0] = PAGE;
        Bytes.putKeyLong(key, 1, volumeId);
        Bytes.putKeyInt(key, 9, chunkIndex);
        Bytes.putKeyInt(key, 13, generation);
        key[17] = (byte) page;
        return key;
    }

    /// Whether the chunk's header names the page with this key as its own.
    static boolean isOwned(byte[] pageKey, Headers headers) {
        Header header = headers.get(Bytes.keyLong(pageKey, 1), Bytes.keyInt(pageKey, 9));
        return header != null && header.hasRowPage(Bytes.keyInt(pageKey, 13), pageKey[17]);
    }

    static byte[] spaceKey(int segment, int piece) {
        byte[] key = new byte[9];
        key[0] = SPACE;
        Bytes.putKeyInt(key, 1, segment);
        Bytes.putKeyInt(key, 5, piece);
        return key;
    }

    static byte[] noteKey(String name, int piece) {
        byte[] text = name.getBytes(StandardCharsets.UTF_8);
        byte[] key = new byte[text.length + 6];
        key[0] = NOTE;
        System.arraycopy(text, 0, key, 1, text.length);
        Bytes.putKeyInt(key, text.length + 2, piece);
        return key;
    }

    static String noteName(byte[] key) {
        return new String(key, 1, key.length - 6, StandardCharsets.UTF_8);
    }

    static byte[] tail(RingPlace place, long sequence) {
        byte[] row = Arrays.copyOf(place.encode(), RingPlace.BYTES + 8);
        Bytes.putLong(row, RingPlace.BYTES, sequence);
        return row;
    }

    static long tailSequence(byte[] row) {
        return Bytes.getLong(row, RingPlace.BYTES);
    }

    /// ```
    ///  0 u64 sequence   of the journal, up to which header and pages reflect all changes
    ///  8 u64 version   16 u32 pg   20 u16 generations   22 u16 rowGenerations
    /// 24 generations * { u32 generation, u32 base }
    ///    rowGenerations * { u32 generation }, rowGenerations * { u8 pages, a bit each }
    /// ```
    static byte[] encodeHeader(
            long sequence,
            long version,
            int pg,
            int[] generations,
            int[] rowGenerations,
            byte[] rowPages) {
        int n = rowGenerations.length;
        byte[] row = new byte[24 + 4 * generations.length + 5 * n];
        Bytes.putLong(row, 0, sequence);
        Bytes.putLong(row, 8, version);
        Bytes.putInt(row, 16, pg);
        Bytes.putShort(row, 20, generations.length / 2);
        Bytes.putShort(row, 22, n);
        int at = 24;
        for (int value : generations) {
            Bytes.putInt(row, at, value);
            at += 4;
        }
        for (int value : rowGenerations) {
            Bytes.putInt(row, at, value);
            at += 4;
        }
        System.arraycopy(rowPages, 0, row, at, n);
        return row;
    }

    /// Fills in a header from its row; false where the row is damaged.
    static boolean decodeHeader(byte[] row, Header header, Headers headers) {
        if (row.length < 24) {
            return false;
        }
        int generationCount = Bytes.getShort(row, 20);
        int rowCount = Bytes.getShort(row, 22);
        if (row.length != 24 + 8 * generationCount + 5 * rowCount) {
            return false;
        }
        int[] generations = new int[2 * generationCount];
        int at = 24;
        for (int i = 0; i < generations.length; i++) {
            generations[i] = Bytes.getInt(row, at);
            at += 4;
        }
        int[] rowGenerations = new int[rowCount];
        for (int i = 0; i < rowCount; i++) {
            rowGenerations[i] = Bytes.getInt(row, at);
            at += 4;
        }
        header.exists = true;
        header.rowSequence = Bytes.getLong(row, 0);
        header.version = Bytes.getLong(row, 8);
        header.generations = headers.shared(generations);
        header.rowGenerations = headers.sharedRows(rowGenerations);
        header.rowPages = headers.sharedPages(Arrays.copyOfRange(row, at, at + rowCount));
        return true;
    }
}
