package comet.store;

import comet.base.Buf;
import comet.base.Sizes;
import org.jspecify.annotations.Nullable;

/// A write whose data goes straight to newly allocated space in segments; the journal gets only a
/// record that says where. Its blocks have their place from the start, and are read from memory
/// until the data is in the file.
final class LargeWrite extends Source {
    private final long[] places;
    private @Nullable Buf data;
    private final int offset;

    private LargeWrite(long[] places, @Nullable Buf data, int offset) {
        this.places = places;
        this.data = data;
        this.offset = offset;
    }

    /// A new one; takes a reference to its data.
    LargeWrite(int blocks, Buf data, int offset) {
        this(new long[blocks], data.retain(), offset);
    }

    /// As a record tells it, in replay: its data is in its place.
    static LargeWrite replayed(byte[] head, int at) {
        long[] places = new long[JournalBatch.blockCount(head, at)];
        for (int i = 0; i < places.length; i++) {
            places[i] =
                    SpaceMap.place(
                            JournalBatch.segment(head, at, i),
                            JournalBatch.segmentOffset(head, at, i) >>> Sizes.BLOCK_SHIFT);
        }
        return new LargeWrite(places, null, 0);
    }

    int blocks() {
        return places.length;
    }

    /// See [SpaceMap#place].
    long place(int slot) {
        return places[slot];
    }

    void place(int slot, long place) {
        places[slot] = place;
    }

    @Override
    @Nullable Buf data(int slot) {
        return data;
    }

    @Override
    int dataOffset(int slot) {
        return offset + slot * Sizes.BLOCK_BYTES;
    }

    /// All of it is in the file: from now on it is read from there.
    void written() {
        Buf buf = data;
        data = null;
        if (buf != null) {
            buf.release();
        }
    }
}
