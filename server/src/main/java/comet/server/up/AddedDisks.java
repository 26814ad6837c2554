package comet.server.up;

import comet.io.file.SmallFile;
import comet.server.config.NodeConfig.DiskConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.json.JsonMapper;

/// Disks that `disk add` gave to a node, beside those of its config: in `added-disks.json` of its
/// folder.
final class AddedDisks {
    private static final String FILE = "added-disks.json";
    private static final JsonMapper JSON = JsonMapper.shared();

    private final Path file;
    private final List<Added> disks;

    private record Added(String path, long weightBytes, @Nullable String domain) {}

    private AddedDisks(Path file, List<Added> disks) {
        this.file = file;
        this.disks = disks;
    }

    static AddedDisks in(Path folder) {
        Path file = folder.resolve(FILE);
        try {
            if (!Files.exists(file)) {
                return new AddedDisks(file, new ArrayList<>());
            }
            List<Added> disks =
                    JSON.readValue(
                            Files.readString(file), new TypeReference<ArrayList<Added>>() {});
            return new AddedDisks(file, disks);
        } catch (IOException | JacksonException e) {
            throw new StartException("cannot read %s: %s".formatted(file, e.getMessage()), e);
        }
    }

    /// The disks of the config, and behind them those that it does not name.
    List<DiskConfig> with(List<DiskConfig> configured) {
        List<DiskConfig> all = new ArrayList<>(configured);
        for (Added disk : disks) {
            Path path = Path.of(disk.path);
            if (configured.stream().noneMatch(known -> known.path().equals(path))) {
                all.add(new DiskConfig(path, null, disk.weightBytes, disk.domain));
            }
        }
        return all;
    }

    /// Durable on return.
    void add(Path path, long weightBytes, @Nullable String domain) throws IOException {
        disks.add(new Added(path.toString(), weightBytes, domain));
        SmallFile.replace(file, JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(disks));
    }
}
