package comet.index;

import comet.base.Bytes;

/// The format of the tree's pages, which all have 4,096 bytes and lie in the files `index/000001`
/// and on: page `n` is the page `n % pagesPerFile` of file `n / pagesPerFile + 1`. Whoever points
/// to a page keeps its CRC-32C over all 4,096 bytes. Little-endian.
///
/// ```
/// a page of the tree:
///  0 u8  level       0: a leaf; a branch has its children's level and one
///  1 u8  -
///  2 u16 entries
///  4 u16 bytes used, this header included; zeros follow
///  6 u16 -
///  8 entries, in order of their keys:
///    0 u8 shared     bytes of the key that are those of the key before (0 for the first)
///    1 u8 rest       bytes of the key that follow
///    2    rest of the key
///         leaf:      bytes of the value, 7 bits a byte, lowest first, the top bit set on all but
///                    the last; then the value, if it has at most 256 bytes, else a u32 page and
///                    u32 crc for each 4,096 bytes of it
///         branch:    u32 page, u32 crc of the child
/// a page of a value: 4,096 bytes of it, the last one with zeros behind its end
/// ```
///
/// A branch's key is a lower bound of the keys below its child, and above those below the child
/// before; what is below the first one's key belongs to the first child, too.
final class Layout {
    private Layout() {}

    static final int PAGE_SHIFT = 12;
    static final int PAGE_BYTES = 1 << PAGE_SHIFT;

    /// Keys are shorter than the port allows: a branch should have many children.
    static final int KEY_BYTES_MAX = 255;

    static final int VALUE_BYTES_MAX = 64 << 10;

    /// Values up to here lie in the leaf.
    static final int INLINE_BYTES_MAX = 256;

    static final int LEVEL = 0;
    static final int ENTRIES = 2;
    static final int USED = 4;
    static final int HEADER_BYTES = 8;

    /// What a page has for entries.
    static final int ROOM_BYTES = PAGE_BYTES - HEADER_BYTES;

    /// A node with less takes in its neighbour.
    static final int SMALL_BYTES = ROOM_BYTES / 4;

    static final int REF_BYTES = 8;

    /// Pages of a value that lie outside the leaf.
    static int refCount(int valueBytes) {
        return valueBytes <= INLINE_BYTES_MAX ? 0 : valueBytes + PAGE_BYTES - 1 >>> PAGE_SHIFT;
    }

    /// Bytes that stand in the leaf for a value, without its length.
    static int payloadBytes(int valueBytes) {
        return valueBytes <= INLINE_BYTES_MAX ? valueBytes : refCount(valueBytes) * REF_BYTES;
    }

    static int lengthBytes(int valueBytes) {
        return valueBytes < 1 << 7 ? 1 : valueBytes < 1 << 14 ? 2 : 3;
    }

    static int putLength(byte[] bytes, int at, int valueBytes) {
        int to = at;
        int left = valueBytes;
        while (left >= 1 << 7) {
            bytes[to++] = (byte) (left | 0x80);
            left >>>= 7;
        }
        bytes[to++] = (byte) left;
        return to;
    }

    static void putHeader(byte[] page, int level, int entries, int used) {
        page[LEVEL] = (byte) level;
        Bytes.putShort(page, ENTRIES, entries);
        Bytes.putShort(page, USED, used);
    }

    /// Bytes at the start that two keys have in common.
    static int shared(byte[] a, int aAt, int aLength, byte[] b, int bLength) {
        int at = java.util.Arrays.mismatch(a, aAt, aAt + aLength, b, 0, bLength);
        return at < 0 ? aLength : at;
    }
}
