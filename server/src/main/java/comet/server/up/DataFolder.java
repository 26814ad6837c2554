package comet.server.up;

import comet.cli.FileErrors;
import comet.io.file.FolderLock;
import comet.io.file.SmallFile;
import comet.port.Media.MediaException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.UUID;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/// The folder in which a process keeps what is its own: identity, sockets, the metadata group's
/// log. Locked as long as the process lives. `comet.json` in it tells what it belongs to, so that a
/// folder of another cluster, of another role or of a newer format is refused before anything is
/// touched.
final class DataFolder implements AutoCloseable {
    /// Grows with every change that an older program must not meet.
    static final int FORMAT = 1;

    private static final String FILE = "comet.json";
    private static final JsonMapper JSON = JsonMapper.shared();

    private final Path path;
    private final FolderLock lock;
    private Identity identity;

    /// @param kind `up`, `node`, `gateway`, `meta` or `nodes`
    /// @param name of the process
    /// @param cluster the cluster's id; empty as long as it is not known
    /// @param id a uuid that no other folder has; null in folders of the first program
    /// @param starts how often it was opened
    record Identity(
            int format,
            String kind,
            String name,
            String cluster,
            @Nullable String id,
            long starts) {}

    private DataFolder(Path path, FolderLock lock, Identity identity) {
        this.path = path;
        this.lock = lock;
        this.identity = identity;
    }

    /// Takes the folder; makes it where it does not exist.
    ///
    /// @param own the folder holds nothing but Comet's data, so one with other files in it is
    ///   refused
    /// @throws StartException with words for people
    static DataFolder open(Path path, String kind, String name, boolean own) {
        try {
            boolean made = make(path);
            Identity known = read(path);
            if (known == null && own && !made && !empty(path)) {
                throw new StartException(
                        "the folder %s is not empty and not Comet's: name another one"
                                .formatted(path));
            }
            if (known != null) {
                check(path, known, kind, name);
            }
            FolderLock lock = FolderLock.take(path);
            // Read again: whoever had the lock until now has counted, too.
            known = read(path);
            DataFolder folder = new DataFolder(path, lock, started(known, kind, name));
            folder.write();
            return folder;
        } catch (MediaException e) {
            throw new StartException(String.valueOf(e.getMessage()), e);
        } catch (IOException e) {
            throw new StartException("cannot use the folder %s: %s".formatted(path, words(e)), e);
        }
    }

    /// What went wrong, in words that do not need the exception's class.
    static String words(IOException e) {
        String words = FileErrors.words(e);
        return words.contains("ead-only") ? "it is read-only" : words;
    }

    private static boolean make(Path path) throws IOException {
        if (Files.isDirectory(path)) {
            return false;
        }
        if (Files.exists(path)) {
            throw new StartException(path + " is no folder");
        }
        SmallFile.makeFolder(path);
        return true;
    }

    private static boolean empty(Path path) throws IOException {
        try (Stream<Path> files = Files.list(path)) {
            return files.findAny().isEmpty();
        }
    }

    /// Whose folder it is: see [Identity]; empty where it is nobody's.
    static String kind(Path path) {
        try {
            Identity identity = read(path);
            return identity == null ? "" : identity.kind;
        } catch (IOException e) {
            throw new StartException("cannot use the folder %s: %s".formatted(path, words(e)), e);
        }
    }

    private static @Nullable Identity read(Path path) throws IOException {
        Path file = path.resolve(FILE);
        if (!Files.exists(file)) {
            return null;
        }
        try {
            Identity identity = JSON.readValue(Files.readString(file), Identity.class);
            if (identity == null || identity.kind == null) {
                throw new StartException(file + " is damaged");
            }
            if (identity.id != null) {
                var _ = UUID.fromString(identity.id);
            }
            return identity;
        } catch (IllegalArgumentException e) {
            throw new StartException(file + " is damaged: " + e.getMessage(), e);
        } catch (JacksonException e) {
            throw new StartException(file + " is damaged: " + e.getOriginalMessage(), e);
        }
    }

    private static void check(Path path, Identity known, String kind, String name) {
        if (known.format > FORMAT) {
            throw new StartException(
                    "the folder %s has format %d, and this program knows formats up to %d: start it with the newer version of Comet that wrote it"
                            .formatted(path, known.format, FORMAT));
        }
        if (!known.kind.equals(kind)) {
            throw new StartException(
                    "the folder %s belongs to %s, not to %s"
                            .formatted(path, words(known.kind), words(kind)));
        }
        if (!known.name.equals(name)) {
            throw new StartException(
                    "the folder %s belongs to %s `%s`, not to `%s`"
                            .formatted(path, words(known.kind), known.name, name));
        }
    }

    private static String words(String kind) {
        return switch (kind) {
            case "up" -> "a cluster in one process (`comet up`)";
            case "nodes" -> "a cluster of several processes (`comet up --nodes`)";
            case "node" -> "a storage node";
            case "gateway" -> "a gateway";
            case "meta" -> "a member of the metadata group";
            default -> "something else (" + kind + ")";
        };
    }

    private static Identity started(@Nullable Identity known, String kind, String name) {
        String cluster = known == null ? "" : known.cluster;
        String id = known == null || known.id == null ? UUID.randomUUID().toString() : known.id;
        long starts = known == null ? 1 : known.starts + 1;
        return new Identity(FORMAT, kind, name, cluster, id, starts);
    }

    Path path() {
        return path;
    }

    /// No other folder has it.
    UUID id() {
        return UUID.fromString(String.valueOf(identity.id));
    }

    /// How often the folder was opened, this time included; durable.
    long starts() {
        return identity.starts;
    }

    /// The process has learned which cluster it speaks to: noted the first time, compared later.
    void cluster(String id) {
        if (identity.cluster.isEmpty()) {
            identity =
                    new Identity(
                            identity.format,
                            identity.kind,
                            identity.name,
                            id,
                            identity.id,
                            identity.starts);
            try {
                write();
            } catch (IOException e) {
                throw new StartException("cannot write in %s: %s".formatted(path, words(e)), e);
            }
        } else if (!identity.cluster.equals(id)) {
            throw new StartException(
                    "the folder %s belongs to cluster %s, but the metadata group is that of cluster %s: the config names another cluster's group, or the folder is another cluster's"
                            .formatted(path, identity.cluster, id));
        }
    }

    private void write() throws IOException {
        SmallFile.replace(
                path.resolve(FILE),
                JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(identity));
    }

    @Override
    public void close() {
        lock.close();
    }
}
