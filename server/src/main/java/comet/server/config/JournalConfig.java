package comet.server.config;

import comet.base.Sizes;
import comet.store.StoreConfig;
import java.util.ArrayList;
import java.util.List;

/// How the disks of a process keep what was just written.
///
/// @param bytes size of a new disk's journal
/// @param memoryBytes of each disk: data of the journal that is kept in memory, too; 0: what fits
/// @param largeBytesMin writes with at least so much data go straight to their place
public record JournalConfig(long bytes, long memoryBytes, int largeBytesMin) {
    static final String SIZE = "journal-size";
    static final String MEMORY = "journal-memory";
    static final String LARGE = "large-writes";
    private static final long BYTES_MIN = 64L << 20;
    private static final long BYTES_MAX = 64L << 30;
    private static final long MEMORY_MIN = 16L << 20;

    /// What no request carries.
    private static final int LARGE_MAX = 2 * Sizes.CHUNK_BYTES;

    /// @throws ConfigException where a value is out of its range
    static JournalConfig read(ConfigFile file) {
        return new JournalConfig(
                file.bytes(SIZE, BYTES_MIN, BYTES_MAX),
                file.has(MEMORY) ? file.bytes(MEMORY, MEMORY_MIN, BYTES_MAX) : 0,
                (int) file.bytes(LARGE, Sizes.BLOCK_BYTES, LARGE_MAX));
    }

    /// For the disks themselves.
    ///
    /// @param disks of the process
    /// @param directBytesMax what the process may take outside of the heap
    /// @throws ConfigException where the memory that is asked for is not there
    public StoreConfig store(int disks, long directBytesMax) {
        long most = directBytesMax / 4 / Math.max(1, disks);
        long memory = Math.min(bytes, Math.max(MEMORY_MIN, most));
        if (memoryBytes > 0) {
            memory = memoryBytes;
            if (disks * memory > directBytesMax / 4 * 3) {
                throw new ConfigException(
                        "`%s`: %d MiB for each of %d disks is more than there is, %d MiB for all (half of the machine's memory may lie outside of the heap, a quarter of that is for others)"
                                .formatted(
                                        MEMORY, memory >> 20, disks, directBytesMax / 4 * 3 >> 20));
            }
        }
        StoreConfig defaults = StoreConfig.defaults();
        return defaults.withJournal(bytes, Sizes.CHUNK_BYTES)
                .withMemory(memory, defaults.pageCacheBytes())
                .withLarge(largeBytesMin);
    }

    /// What tells another process the same beside the size, as `--set` takes it.
    public List<String> overrides() {
        StoreConfig defaults = StoreConfig.defaults();
        List<String> overrides = new ArrayList<>();
        if (memoryBytes > 0) {
            overrides.add(MEMORY + "=" + memoryBytes);
        }
        if (largeBytesMin != defaults.largeBytesMin()) {
            overrides.add(LARGE + "=" + largeBytesMin);
        }
        return overrides;
    }
}
