package comet.store;

import comet.base.Bytes;

/// A place in the ring between two batches, and what is known of the batch before it. The tail is
/// such a place, kept in the index with the checkpoint that moved it; so is the end of the log that
/// replay finds.
///
/// @param position where the next batch begins, unless it found no room before the ring's end and
///   lies at its start, with the next lap
/// @param lap of the batch before
/// @param checksum of the batch before
/// @param lastSequence of the batch before
record RingPlace(long position, long lap, int checksum, long lastSequence) {
    static final int BYTES = 32;

    /// Of a new disk.
    static final RingPlace FIRST = new RingPlace(JournalBatch.RING_PAGE_BYTES, 1, 0, 0);

    byte[] encode() {
        byte[] row = new byte[BYTES];
        Bytes.putLong(row, 0, position);
        Bytes.putLong(row, 8, lap);
        Bytes.putLong(row, 16, lastSequence);
        Bytes.putInt(row, 24, checksum);
        return row;
    }

    static RingPlace decode(byte[] row) {
        return new RingPlace(
                Bytes.getLong(row, 0),
                Bytes.getLong(row, 8),
                Bytes.getInt(row, 24),
                Bytes.getLong(row, 16));
    }
}
