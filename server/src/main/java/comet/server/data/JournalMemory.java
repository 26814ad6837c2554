package comet.server.data;

/// What the journals of a process's disks may keep in memory, together; it lies outside of the
/// heap.
///
/// @param bytes of the process outside of the heap, for everything
/// @param ofEachBytes what each disk was promised; 0: as much as fits
/// @param journalBytes size of a journal: no more is of use
public record JournalMemory(long bytes, long ofEachBytes, long journalBytes) {
    /// As the config calls it.
    public static final String KEY = "journal-memory";

    public static final long OF_EACH_MIN = 16L << 20;

    /// Whether so many disks can have what was promised.
    public boolean fits(int disks) {
        return disks * ofEachBytes <= promisedMax();
    }

    /// Why not, where it does not fit.
    public String tooMuch(int disks) {
        return "`%s`: %d MiB for each of %d disks is more than there is, %d MiB for all (half of the machine's memory may lie outside of the heap, a quarter of that is for others)"
                .formatted(KEY, ofEachBytes >> 20, disks, promisedMax() >> 20);
    }

    /// Bytes for each of so many disks.
    public long ofEach(int disks) {
        if (ofEachBytes > 0) {
            return ofEachBytes;
        }
        return Math.min(journalBytes, Math.max(OF_EACH_MIN, bytes / 4 / Math.max(1, disks)));
    }

    private long promisedMax() {
        return bytes / 4 * 3;
    }
}
