package comet.index;

import comet.base.Bytes;

/// Goes through the rows of a leaf. Reused.
final class LeafReader {
    final byte[] key = new byte[Layout.KEY_BYTES_MAX];
    int keyBytes;

    /// Of the row's value, and where it, or the places of its pages, are in [#leaf].
    int valueBytes;

    int payloadAt;
    byte[] leaf = {};
    private int at;
    private int left;

    void start(Leaf from) {
        leaf = from.bytes;
        at = Layout.HEADER_BYTES;
        left = Bytes.getShort(leaf, Layout.ENTRIES);
    }

    /// Goes to the next row; false where there is none.
    boolean next() {
        if (left == 0) {
            return false;
        }
        left--;
        int shared = Bytes.getByte(leaf, at);
        int rest = Bytes.getByte(leaf, at + 1);
        System.arraycopy(leaf, at + 2, key, shared, rest);
        keyBytes = shared + rest;
        int lengthAt = at + 2 + rest;
        valueBytes = Leaf.valueBytes(leaf, lengthAt);
        payloadAt = Leaf.valueAt(leaf, lengthAt);
        at = payloadAt + Layout.payloadBytes(valueBytes);
        return true;
    }

    int refCount() {
        return Layout.refCount(valueBytes);
    }

    int refPage(int n) {
        return Bytes.getInt(leaf, payloadAt + n * Layout.REF_BYTES);
    }
}
