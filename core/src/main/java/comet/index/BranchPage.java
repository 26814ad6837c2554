package comet.index;

import comet.base.Bytes;
import java.util.Arrays;

/// A branch on its way to disk and back.
///
/// @param used bytes of it that count
/// @param count of the children
record BranchPage(byte[] bytes, int used, int count) {
    /// Encodes children of a frame: as many as reach `wanted` bytes, and fit.
    static BranchPage encode(Frame frame, int from, int wanted) {
        byte[] page = new byte[Layout.PAGE_BYTES];
        int at = Layout.HEADER_BYTES;
        int n = from;
        byte[] before = {};
        while (n < frame.nodes.size() && at - Layout.HEADER_BYTES < wanted) {
            byte[] key = frame.keys.get(n);
            int same = n == from ? 0 : Layout.shared(before, 0, before.length, key, key.length);
            int rest = key.length - same;
            if (at + 2 + rest + Layout.REF_BYTES > Layout.PAGE_BYTES) {
                break;
            }
            page[at] = (byte) same;
            page[at + 1] = (byte) rest;
            System.arraycopy(key, same, page, at + 2, rest);
            at += 2 + rest;
            Bytes.putInt(page, at, frame.nodes.get(n).page);
            Bytes.putInt(page, at + 4, frame.nodes.get(n).crc);
            at += Layout.REF_BYTES;
            before = key;
            n++;
        }
        Layout.putHeader(page, frame.nodes.get(from).level + 1, n - from, at);
        return new BranchPage(page, at, n - from);
    }

    Branch branch(Frame frame, int from, int page, int crc) {
        byte[][] keys = new byte[count][];
        Node[] children = new Node[count];
        for (int i = 0; i < count; i++) {
            keys[i] = frame.keys.get(from + i);
            children[i] = frame.nodes.get(from + i);
        }
        return new Branch(frame.nodes.get(from).level + 1, page, crc, keys, children);
    }

    /// A branch that was read, with its children's places, in their order.
    record Read(Branch branch, int[] pages, int[] crcs) {}

    static Read decode(byte[] bytes, int page, int crc) {
        int count = Bytes.getShort(bytes, Layout.ENTRIES);
        byte[][] keys = new byte[count][];
        int[] pages = new int[count];
        int[] crcs = new int[count];
        byte[] before = {};
        int at = Layout.HEADER_BYTES;
        for (int i = 0; i < count; i++) {
            int same = Bytes.getByte(bytes, at);
            int rest = Bytes.getByte(bytes, at + 1);
            byte[] key = Arrays.copyOf(before, same + rest);
            System.arraycopy(bytes, at + 2, key, same, rest);
            at += 2 + rest;
            pages[i] = Bytes.getInt(bytes, at);
            crcs[i] = Bytes.getInt(bytes, at + 4);
            at += Layout.REF_BYTES;
            keys[i] = key;
            before = key;
        }
        int level = Bytes.getByte(bytes, Layout.LEVEL);
        return new Read(new Branch(level, page, crc, keys, new Node[count]), pages, crcs);
    }
}
