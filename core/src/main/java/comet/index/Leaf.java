package comet.index;

import comet.base.Bytes;

/// Rows, as they are on disk ([Layout]), without the zeros behind them.
final class Leaf extends Node {
    final byte[] bytes;

    Leaf(int page, int crc, byte[] bytes) {
        super(0, page, crc);
        this.bytes = bytes;
    }

    /// Where the entry of `key` has the length of its value; -1 where there is no such row.
    ///
    /// Goes through the entries and knows how many bytes of the wanted key the last one had in
    /// common with it, so that only what is behind them has to be compared.
    int find(byte[] key) {
        int at = Layout.HEADER_BYTES;
        int matched = 0;
        for (int left = Bytes.getShort(bytes, Layout.ENTRIES); left > 0; left--) {
            int shared = Bytes.getByte(bytes, at);
            int rest = Bytes.getByte(bytes, at + 1);
            int keyAt = at + 2;
            int behind = keyAt + rest;
            if (shared < matched) {
                return -1;
            }
            if (shared == matched) {
                int end = Math.min(rest, key.length - matched);
                int same = 0;
                while (same < end && bytes[keyAt + same] == key[matched + same]) {
                    same++;
                }
                if (same == rest && matched + same == key.length) {
                    return behind;
                }
                boolean entryIsLess =
                        same == rest
                                || matched + same < key.length
                                        && Byte.compareUnsigned(
                                                        bytes[keyAt + same], key[matched + same])
                                                < 0;
                if (!entryIsLess) {
                    return -1;
                }
                matched += same;
            }
            at = skipValue(bytes, behind);
        }
        return -1;
    }

    static int skipValue(byte[] bytes, int at) {
        return valueAt(bytes, at) + Layout.payloadBytes(valueBytes(bytes, at));
    }

    static int valueBytes(byte[] bytes, int at) {
        int value = bytes[at] & 0x7F;
        if (bytes[at] < 0) {
            value |= (bytes[at + 1] & 0x7F) << 7;
            if (bytes[at + 1] < 0) {
                value |= (bytes[at + 2] & 0x7F) << 14;
            }
        }
        return value;
    }

    /// Where the value or its pages' numbers follow the length at `at`.
    static int valueAt(byte[] bytes, int at) {
        return bytes[at] >= 0 ? at + 1 : bytes[at + 1] >= 0 ? at + 2 : at + 3;
    }
}
