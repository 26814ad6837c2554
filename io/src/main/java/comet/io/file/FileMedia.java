package comet.io.file;

import comet.io.loop.EventLoop;
import comet.io.loop.Ring;
import comet.port.Errno;
import comet.port.IoDone;
import comet.port.Media;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The folder of one disk on a real file system, locked for this process from [#open] to [#close].
public final class FileMedia implements Media, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(FileMedia.class);

    /// The name that may lead elsewhere.
    private static final String JOURNAL = "journal";

    private static final int FILE_MODE = 0640;

    /// Magic numbers of statfs(2): those two keep what a sync promised and allocate on request.
    private static final long EXT4 = 0xEF53;

    private static final long XFS = 0x58465342;

    /// How files get done.
    public enum Way {
        /// By the loop's ring where it has one, else by threads.
        AUTO,
        IO_URING,
        THREADS;

        /// The one that a configuration names.
        ///
        /// @throws IllegalArgumentException with words for people
        public static Way of(String word) {
            for (Way way : values()) {
                if (way.word().equals(word)) {
                    return way;
                }
            }
            throw new IllegalArgumentException(word + " is unknown: use auto, io_uring or threads");
        }

        public String word() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /// @param journalFolder where the journal lies if not in the disk's own folder; it must exist,
    ///   and is kept for this disk alone
    /// @param anyFileSystem accepts file systems that are not known to keep their promises (tests)
    public record Options(@Nullable Path journalFolder, Way files, boolean anyFileSystem) {
        public static final Options DEFAULT = new Options(null, Way.AUTO, false);
    }

    private final Path folder;
    private final @Nullable Path journalFolder;
    private final EventLoop loop;
    private final FileOps ops;
    private final FolderLock lock;
    private final @Nullable FolderLock journalLock;

    private FileMedia(
            Path folder,
            @Nullable Path journalFolder,
            EventLoop loop,
            FilePool pool,
            @Nullable Ring ring,
            FolderLock lock,
            @Nullable FolderLock journalLock) {
        this.folder = folder;
        this.journalFolder = journalFolder;
        this.loop = loop;
        this.lock = lock;
        this.journalLock = journalLock;
        ops = new FileOps(loop, pool, ring);
    }

    /// Takes the folder, which must exist. Blocking.
    ///
    /// @throws MediaException with words for people: missing, in use, read-only, a file system that
    ///   is not supported
    public static FileMedia open(Path folder, Options options, EventLoop loop, FilePool pool)
            throws MediaException {
        return open(folder, options, loop, pool, ring(options.files(), loop));
    }

    /// @param ring the one to use, or null for threads alone
    static FileMedia open(
            Path folder, Options options, EventLoop loop, FilePool pool, @Nullable Ring ring)
            throws MediaException {
        FolderLock lock = take(folder, options);
        Path elsewhere = options.journalFolder();
        FolderLock journalLock = null;
        if (elsewhere != null) {
            try {
                journalLock = take(elsewhere, options);
            } catch (MediaException e) {
                lock.close();
                throw e;
            }
        }
        LOG.info(
                "event=folder-opened folder={} files={} sockets={}",
                folder,
                (ring == null ? Way.THREADS : Way.IO_URING).word(),
                loop.transport().word());
        return new FileMedia(folder, elsewhere, loop, pool, ring, lock, journalLock);
    }

    private static @Nullable Ring ring(Way way, EventLoop loop) throws MediaException {
        Ring ring =
                way == Way.THREADS
                        ? null
                        : loop.<Optional<Ring>>call(() -> Optional.ofNullable(loop.ring()))
                                .orElse(null);
        if (ring == null && way == Way.IO_URING) {
            throw new MediaException(
                    "this machine has no io_uring for files beside "
                            + loop.transport().word()
                            + " for sockets: use io.files = auto");
        }
        return ring;
    }

    private static FolderLock take(Path folder, Options options) throws MediaException {
        if (!Files.isDirectory(folder)) {
            throw new MediaException(
                    "the folder " + folder + " is not there: is its device mounted?");
        }
        if (!options.anyFileSystem()) {
            checkFileSystem(folder);
        }
        return FolderLock.take(folder);
    }

    /// Makes the folder of a new disk, durably.
    public static void makeFolder(Path folder) throws MediaException {
        try {
            SmallFile.makeFolder(folder);
        } catch (IOException e) {
            throw new MediaException("cannot make the folder " + folder + ": " + e);
        }
    }

    public Path folder() {
        return folder;
    }

    @Override
    public void open(String name, Access access, Opened done) {
        ops.onThread(posix -> answer(done, openNow(posix, path(name), access)));
    }

    @Override
    public void create(String name, long bytes, Access access, Opened done) {
        ops.onThread(posix -> {
            Path path = path(name);
            int made = createNow(posix, path, bytes);
            answer(done, made < 0 ? made : openNow(posix, path, access));
        });
    }

    @Override
    public void delete(String name, IoDone done, long token) {
        ops.onThread(posix -> {
            int result;
            try {
                Path path = path(name);
                boolean there = Files.deleteIfExists(path);
                result = there ? posix.syncFolder(SmallFile.parent(path).toString()) : 0;
            } catch (IOException e) {
                LOG.warn("delete failed name={} folder={}", name, folder, e);
                result = -Errno.EIO;
            }
            int answer = result;
            loop.submit(() -> done.done(token, answer));
        });
    }

    @Override
    public List<String> list(String name) {
        Path listed = name.isEmpty() ? folder : folder.resolve(name);
        if (!Files.isDirectory(listed)) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(listed)) {
            // A process that was killed while it made one may have left a name that is not durable.
            SmallFile.syncFolder(listed);
            return files.filter(Files::isRegularFile)
                    .map(path -> String.valueOf(path.getFileName()))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException("cannot list " + listed, e);
        }
    }

    @Override
    public byte @Nullable [] readSmall(String name) {
        Path path = path(name);
        try {
            return Files.readAllBytes(path);
        } catch (NoSuchFileException e) {
            return null;
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read " + path, e);
        }
    }

    @Override
    public void writeSmall(String name, byte[] content) throws MediaException {
        Path path = path(name);
        try {
            Files.createDirectories(SmallFile.parent(path));
            SmallFile.replace(path, content);
        } catch (IOException e) {
            throw new MediaException("cannot write " + path + ": " + e);
        }
    }

    @Override
    public long freeBytes() {
        return folder.toFile().getUsableSpace();
    }

    @Override
    public long waitingNs() {
        return ops.oldestNs();
    }

    /// Gives the folder back. Files are closed before, by who opened them.
    @Override
    public void close() {
        lock.close();
        if (journalLock != null) {
            journalLock.close();
        }
    }

    /// On a file thread: a descriptor with its size and whether it is direct, or a negated error.
    private Object openNow(Posix posix, Path path, Access access) {
        boolean direct = access == Access.DIRECT;
        int flags = Posix.O_RDWR | Posix.O_CLOEXEC;
        int fd = posix.open(path.toString(), flags | (direct ? Posix.O_DIRECT : 0), 0);
        if (direct && fd == -Errno.EINVAL) {
            LOG.warn("the file system has no direct access, using its cache file={}", path);
            direct = false;
            fd = posix.open(path.toString(), flags, 0);
        }
        if (fd < 0) {
            return fd;
        }
        try {
            return new PosixFile(ops, fd, Files.size(path), direct);
        } catch (IOException e) {
            posix.close(fd);
            return -Errno.EIO;
        }
    }

    /// A file gets its name when it is whole: whoever is killed in between, and a machine that
    /// stops, leaves nothing behind.
    private static int createNow(Posix posix, Path path, long bytes) {
        try {
            SmallFile.makeFolder(SmallFile.parent(path));
        } catch (IOException e) {
            LOG.warn("cannot make the folder of {}", path, e);
            return -Errno.EIO;
        }
        String folder = SmallFile.parent(path).toString();
        int fd = posix.open(folder, Posix.O_RDWR | Posix.O_TMPFILE | Posix.O_CLOEXEC, FILE_MODE);
        boolean named = fd == -Posix.EOPNOTSUPP || fd == -Posix.EISDIR;
        if (named) {
            // A file system without such files: a test's.
            int flags = Posix.O_RDWR | Posix.O_CREAT | Posix.O_EXCL | Posix.O_CLOEXEC;
            fd = posix.open(path.toString(), flags, FILE_MODE);
        }
        if (fd < 0) {
            return fd == -Posix.EEXIST ? -Errno.EINVAL : fd;
        }
        int result = posix.fallocate(fd, bytes);
        if (result == 0) {
            result = posix.fsync(fd);
        }
        if (result == 0 && !named) {
            result = posix.name(fd, path.toString());
            named = result == 0;
        }
        posix.close(fd);
        if (result == 0) {
            result = posix.syncFolder(folder);
        }
        if (result < 0 && named) {
            try {
                Files.deleteIfExists(path);
            } catch (IOException e) {
                LOG.warn("cannot remove what could not be made: {}", path, e);
            }
        }
        return result == -Posix.EEXIST ? -Errno.EINVAL : result;
    }

    /// @param outcome a [PosixFile], or a negated error number
    private void answer(Opened done, Object outcome) {
        loop.submit(() -> {
            if (outcome instanceof PosixFile file) {
                done.opened(file, 0);
            } else {
                done.opened(null, -(Integer) outcome);
            }
        });
    }

    private Path path(String name) {
        Path elsewhere = journalFolder;
        return elsewhere != null && name.equals(JOURNAL)
                ? elsewhere.resolve(name)
                : folder.resolve(name);
    }

    private static void checkFileSystem(Path folder) throws MediaException {
        long type = new Posix().fileSystemType(folder.toString());
        if (type < 0) {
            throw new MediaException(
                    "the file system of " + folder + " is not known: error " + -type);
        }
        if (type != EXT4 && type != XFS) {
            String name;
            try {
                name = Files.getFileStore(folder).type();
            } catch (IOException e) {
                name = Long.toHexString(type);
            }
            throw new MediaException(
                    "the folder "
                            + folder
                            + " lies on "
                            + name
                            + ": a disk wants ext4 or XFS, which keep what a sync promised");
        }
    }
}
