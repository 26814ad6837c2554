package comet.server.config;

import comet.base.Sizes;
import comet.server.data.JournalMemory;
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
    static final String MEMORY = JournalMemory.KEY;
    static final String LARGE = "large-writes";
    private static final long BYTES_MIN = 64L << 20;
    private static final long BYTES_MAX = 64L << 30;

    /// What no request carries.
    private static final int LARGE_MAX = 2 * Sizes.CHUNK_BYTES;

    /// @throws ConfigException where a value is out of its range
    static JournalConfig read(ConfigFile file) {
        return new JournalConfig(
                file.bytes(SIZE, BYTES_MIN, BYTES_MAX),
                file.has(MEMORY) ? file.bytes(MEMORY, JournalMemory.OF_EACH_MIN, BYTES_MAX) : 0,
                (int) file.bytes(LARGE, Sizes.BLOCK_BYTES, LARGE_MAX));
    }

    /// For the disks themselves; what of it they keep in memory is [#memory]'s.
    public StoreConfig store() {
        return StoreConfig.defaults()
                .withJournal(bytes, Sizes.CHUNK_BYTES)
                .withLarge(largeBytesMin);
    }

    /// @param disks that the process begins with
    /// @param directBytesMax what the process may take outside of the heap
    /// @throws ConfigException where the memory that is asked for is not there
    public JournalMemory memory(int disks, long directBytesMax) {
        JournalMemory memory = new JournalMemory(directBytesMax, memoryBytes, bytes);
        if (!memory.fits(disks)) {
            throw new ConfigException(memory.tooMuch(disks));
        }
        return memory;
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
