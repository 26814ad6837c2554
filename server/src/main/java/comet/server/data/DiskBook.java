package comet.server.data;

import comet.io.file.SmallFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.json.JsonMapper;

/// Which folders of a node are disks, in the file `disks.json` of the node's own folder: so that an
/// empty folder where a disk was (its device is not mounted) is never made a new disk, and one that
/// was being made when the process died is made again. Used by one thread at a time.
final class DiskBook {
    private static final String FILE = "disks.json";
    private static final JsonMapper JSON = JsonMapper.shared();

    /// @param uuidHigh of the disk's own id, with `uuidLow`
    /// @param made whether its folder is whole
    record Entry(long uuidHigh, long uuidLow, boolean made) {}

    private final Path file;
    private final Map<String, Entry> entries;

    private DiskBook(Path file, Map<String, Entry> entries) {
        this.file = file;
        this.entries = entries;
    }

    static DiskBook read(Path nodeFolder) throws DataException {
        Path file = nodeFolder.resolve(FILE);
        try {
            if (!Files.exists(file)) {
                return new DiskBook(file, new LinkedHashMap<>());
            }
            Map<String, Entry> entries =
                    JSON.readValue(
                            Files.readString(file),
                            new TypeReference<LinkedHashMap<String, Entry>>() {});
            return new DiskBook(file, entries);
        } catch (IOException | JacksonException e) {
            throw new DataException("cannot read " + file + ": " + e.getMessage(), e);
        }
    }

    @Nullable Entry entry(Path folder) {
        return entries.get(key(folder));
    }

    /// Durable on return.
    void put(Path folder, Entry entry) throws DataException {
        entries.put(key(folder), entry);
        try {
            SmallFile.replace(
                    file, JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(entries));
        } catch (IOException e) {
            throw new DataException("cannot write " + file + ": " + e.getMessage(), e);
        }
    }

    private static String key(Path folder) {
        return folder.toAbsolutePath().normalize().toString();
    }
}
