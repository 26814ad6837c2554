package comet.index;

import comet.base.Bytes;
import java.util.Arrays;

/// Rows in order on their way into new leaves. Reused.
final class LeafBuilder {
    /// Told a leaf's page and a lower bound of its keys.
    interface Sink {
        void leaf(byte[] lowerKey, byte[] page);
    }

    /// Where this much is collected leaves are written while more rows come: nearly full ones.
    private static final int SPILL_BYTES = 4 * Layout.ROOM_BYTES;

    private static final int FILL_BYTES = Layout.ROOM_BYTES * 9 / 10;

    /// Rows with whole keys: u8 length of the key, key, then as in a leaf.
    private byte[] rows = new byte[8 * Layout.PAGE_BYTES];

    private int[] rowAt = new int[512];

    /// Bytes that a row takes in a leaf behind the row before it, and of those that it saves by
    /// what the keys share.
    private int[] rowBytes = new int[512];

    private int[] shared = new int[512];
    private int count;
    private int end;
    private int total;
    private byte[] lowerKey = {};
    private boolean anyLeaf;
    private byte[] lastKey = {};

    /// Starts anew.
    ///
    /// @param lower bound of all keys to come
    void start(byte[] lower) {
        count = 0;
        end = 0;
        total = 0;
        lowerKey = lower;
        anyLeaf = false;
    }

    /// Bytes of what is collected, about.
    int total() {
        return total;
    }

    void add(byte[] key, int keyBytes, int valueBytes, byte[] payload, int payloadAt) {
        if (count == rowAt.length) {
            rowAt = Arrays.copyOf(rowAt, 2 * count);
            rowBytes = Arrays.copyOf(rowBytes, 2 * count);
            shared = Arrays.copyOf(shared, 2 * count);
        }
        int payloadBytes = Layout.payloadBytes(valueBytes);
        int bytes = 1 + keyBytes + Layout.lengthBytes(valueBytes) + payloadBytes;
        if (end + bytes > rows.length) {
            rows = Arrays.copyOf(rows, 2 * rows.length);
        }
        int same = 0;
        if (count > 0) {
            int before = rowAt[count - 1];
            same = Layout.shared(rows, before + 1, keyBytesAt(before), key, keyBytes);
        }
        rowAt[count] = end;
        shared[count] = same;
        rowBytes[count] = bytes + 1 - same;
        total += rowBytes[count];
        count++;
        rows[end] = (byte) keyBytes;
        System.arraycopy(key, 0, rows, end + 1, keyBytes);
        int at = Layout.putLength(rows, end + 1 + keyBytes, valueBytes);
        System.arraycopy(payload, payloadAt, rows, at, payloadBytes);
        end += bytes;
    }

    private int keyBytesAt(int row) {
        return Bytes.getByte(rows, row);
    }

    /// Emits leaves where much is collected.
    void spill(Sink sink) {
        while (total > SPILL_BYTES) {
            emit(FILL_BYTES, sink);
        }
    }

    /// Emits everything, in leaves of about the same size.
    void finish(Sink sink) {
        while (count > 0) {
            int leaves = (total + Layout.ROOM_BYTES - 1) / Layout.ROOM_BYTES;
            emit(leaves == 1 ? Layout.ROOM_BYTES : total / leaves, sink);
        }
    }

    /// Emits a leaf of the first rows: as many as reach `wanted` bytes, and fit.
    private void emit(int wanted, Sink sink) {
        int rowCount = 0;
        int bytes = shared[0];
        while (rowCount < count
                && bytes < wanted
                && bytes + rowBytes[rowCount] <= Layout.ROOM_BYTES) {
            bytes += rowBytes[rowCount++];
        }
        byte[] page = new byte[Layout.HEADER_BYTES + bytes];
        Layout.putHeader(page, 0, rowCount, page.length);
        int to = Layout.HEADER_BYTES;
        for (int i = 0; i < rowCount; i++) {
            int row = rowAt[i];
            int keyBytes = keyBytesAt(row);
            int same = i == 0 ? 0 : shared[i];
            page[to] = (byte) same;
            page[to + 1] = (byte) (keyBytes - same);
            int behind = i + 1 < count ? rowAt[i + 1] : end;
            int length = behind - row - 1 - same;
            System.arraycopy(rows, row + 1 + same, page, to + 2, length);
            to += 2 + length;
        }
        byte[] lower = lowerKey;
        if (anyLeaf) {
            int first = rowAt[0];
            int differs =
                    Layout.shared(rows, first + 1, keyBytesAt(first), lastKey, lastKey.length);
            lower = Arrays.copyOfRange(rows, first + 1, first + 2 + differs);
        }
        int last = rowAt[rowCount - 1];
        lastKey = Arrays.copyOfRange(rows, last + 1, last + 1 + keyBytesAt(last));
        anyLeaf = true;
        drop(rowCount);
        sink.leaf(lower, page);
    }

    private void drop(int rowCount) {
        int from = rowCount == count ? end : rowAt[rowCount];
        for (int i = 0; i < rowCount; i++) {
            total -= rowBytes[i];
        }
        System.arraycopy(rows, from, rows, 0, end - from);
        end -= from;
        count -= rowCount;
        for (int i = 0; i < count; i++) {
            rowAt[i] = rowAt[i + rowCount] - from;
            rowBytes[i] = rowBytes[i + rowCount];
            shared[i] = shared[i + rowCount];
        }
    }
}
