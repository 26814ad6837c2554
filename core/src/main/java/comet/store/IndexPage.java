package comet.store;

import comet.base.Bytes;
import comet.base.Check;
import java.util.Arrays;

/// The format of a row of the block index: where 128 neighbouring blocks of one generation of a
/// chunk are. Little-endian.
///
/// ```
///  0 u8 form          0: 128 entries follow; 1: one entry follows, which stands for all 128
///  1 u8[7] -
///  8 u64 sequence     of the journal, up to which the page reflects all changes
/// 16 entries of 24 bytes:
///    0 u64 version    that wrote the block; 0: never written
///    8 u32 crc        CRC-32C of its 4,096 bytes, for DATA
///   12 u32 segment    for DATA
///   16 u32 offset     in bytes, for DATA
///   20 u8  state      BlockState: ABSENT, ZERO, DATA, LOST
///   21 u8  flags      [#INHERITED]
///   22 u16 length     bytes stored, 4096 (less once blocks are compressed), for DATA
/// ```
///
/// In memory a row always has the long form.
final class IndexPage {
    private IndexPage() {}

    static final int SHIFT = 7;

    /// Blocks of a page.
    static final int BLOCKS = 1 << SHIFT;

    /// Pages of a chunk.
    static final int PAGES = comet.base.Sizes.CHUNK_BLOCKS / BLOCKS;

    static final int HEADER_BYTES = 16;
    static final int ENTRY_BYTES = 24;
    static final int BYTES = HEADER_BYTES + BLOCKS * ENTRY_BYTES;

    /// The space belongs to an older generation's page: never written over, never freed from here.
    static final int INHERITED = 1;

    private static final int UNIFORM = 1;

    /// A page of blocks that were never written.
    static final byte[] EMPTY = new byte[BYTES];

    /// The long form of a stored row; null where the row is damaged.
    static byte @org.jspecify.annotations.Nullable [] expand(byte[] row) {
        if (row.length == BYTES && row[0] == 0) {
            return row;
        }
        if (row.length != HEADER_BYTES + ENTRY_BYTES || row[0] != UNIFORM) {
            return null;
        }
        byte[] page = new byte[BYTES];
        System.arraycopy(row, 8, page, 8, 8);
        for (int i = 0; i < BLOCKS; i++) {
            System.arraycopy(row, HEADER_BYTES, page, at(i), ENTRY_BYTES);
        }
        return page;
    }

    /// The form to be stored: short where all entries are alike.
    static byte[] compact(byte[] page) {
        for (int i = 1; i < BLOCKS; i++) {
            if (!Arrays.equals(page, at(0), at(1), page, at(i), at(i + 1))) {
                return page;
            }
        }
        byte[] row = Arrays.copyOf(page, HEADER_BYTES + ENTRY_BYTES);
        row[0] = UNIFORM;
        return row;
    }

    /// Whether no block of the page was ever written.
    static boolean isEmpty(byte[] page) {
        return Arrays.equals(page, HEADER_BYTES, BYTES, EMPTY, HEADER_BYTES, BYTES);
    }

    private static int at(int block) {
        return HEADER_BYTES + block * ENTRY_BYTES;
    }

    static void sequence(byte[] page, long sequence) {
        Bytes.putLong(page, 8, sequence);
    }

    static long version(byte[] page, int block) {
        return Bytes.getLong(page, at(block));
    }

    static int crc(byte[] page, int block) {
        return Bytes.getInt(page, at(block) + 8);
    }

    static int segment(byte[] page, int block) {
        return Bytes.getInt(page, at(block) + 12);
    }

    static int offset(byte[] page, int block) {
        return Bytes.getInt(page, at(block) + 16);
    }

    static int state(byte[] page, int block) {
        return Bytes.getByte(page, at(block) + 20);
    }

    static int flags(byte[] page, int block) {
        return Bytes.getByte(page, at(block) + 21);
    }

    static void flags(byte[] page, int block, int flags) {
        Bytes.putByte(page, at(block) + 21, flags);
    }

    /// Sets an entry without a place.
    static void set(byte[] page, int block, int state, long version, int crc) {
        int at = at(block);
        Bytes.putLong(page, at, version);
        Bytes.putInt(page, at + 8, crc);
        Bytes.putLong(page, at + 12, 0);
        Bytes.putInt(page, at + 20, state);
    }

    /// The place of the same block in another page; the flags stay.
    static void copyPlace(byte[] from, byte[] page, int block) {
        System.arraycopy(from, at(block) + 12, page, at(block) + 12, 8);
        System.arraycopy(from, at(block) + 22, page, at(block) + 22, 2);
    }

    static void place(byte[] page, int block, int segment, int offset) {
        Check.that(segment > 0, "segment", segment, offset);
        int at = at(block);
        Bytes.putInt(page, at + 12, segment);
        Bytes.putInt(page, at + 16, offset);
        Bytes.putByte(page, at + 21, 0);
        Bytes.putShort(page, at + 22, comet.base.Sizes.BLOCK_BYTES);
    }
}
