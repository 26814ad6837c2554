package comet.server.data;

import comet.cluster.ClusterInfo;
import comet.cluster.Command;
import comet.index.FlatIndex;
import comet.io.file.FileMedia;
import comet.io.file.FilePool;
import comet.io.loop.EventLoop;
import comet.port.Events;
import comet.port.Media.MediaException;
import comet.replica.Limits;
import comet.store.Disk;
import comet.store.DiskIdentity;
import comet.store.StoreConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// One disk of a node, from its folder to a store in service and back. Blocking; not for the loop.
public final class NodeDisk {
    /// What a config says of a disk.
    ///
    /// @param journalFolder where its journal lies if not in its own folder
    /// @param weight share of placement; 0: the capacity of the device
    /// @param idle a new one gets nothing for now
    public record Settings(
            Path folder,
            @Nullable Path journalFolder,
            long weight,
            @Nullable String domain,
            boolean idle) {
        public Settings(
                Path folder, @Nullable Path journalFolder, long weight, @Nullable String domain) {
            this(folder, journalFolder, weight, domain, false);
        }
    }

    /// How long a disk may take to replay its journal, or to put everything in its place when it is
    /// closed: a gigabyte of small writes on a slow device.
    private static final long PATIENCE_S = 600;

    /// At least so many segments of the usual size fit on a device, else they are made smaller.
    private static final int SEGMENTS_MIN = 32;

    private static final long SEGMENT_BYTES_MIN = 4L << 20;

    private final Settings settings;
    private final EventLoop loop;
    private final FileMedia media;
    private final Disk disk;
    private final CompletableFuture<Integer> closed = new CompletableFuture<>();
    private boolean hangs;

    private final String fileSystem;

    private NodeDisk(
            Settings settings, String fileSystem, EventLoop loop, FileMedia media, Disk disk) {
        this.settings = settings;
        this.fileSystem = fileSystem;
        this.loop = loop;
        this.media = media;
        this.disk = disk;
    }

    /// What the disks of one loop of a node have in common.
    record Shared(
            EventLoop loop,
            FilePool pool,
            Group group,
            DiskBook book,
            Events events,
            StoreConfig config,
            FileMedia.Way files,
            boolean anyFileSystem) {
        Shared on(EventLoop other) {
            return new Shared(other, pool, group, book, events, config, files, anyFileSystem);
        }
    }

    /// Opens a disk; makes it first, where the folder is empty and was none before.
    static NodeDisk open(
            Shared shared, Settings settings, int nodeId, String domain, ClusterInfo cluster)
            throws DataException, InterruptedException {
        FileMedia media = null;
        FlatIndex index = null;
        boolean opened = false;
        try {
            media =
                    FileMedia.open(
                            settings.folder(),
                            new FileMedia.Options(
                                    settings.journalFolder(),
                                    shared.files(),
                                    shared.anyFileSystem()),
                            shared.loop(),
                            shared.pool());
            DiskIdentity identity = identity(shared, settings, media, cluster);
            if (identity == null) {
                identity = make(shared, settings, media, nodeId, domain, cluster);
            }
            index = openIndex(shared.loop(), media);
            Disk disk =
                    openStore(
                            shared.loop(),
                            shared.events(),
                            shared.config(),
                            media,
                            index,
                            identity);
            opened = true;
            return new NodeDisk(
                    settings, fileSystem(settings.folder()), shared.loop(), media, disk);
        } catch (MediaException e) {
            throw new DataException(String.valueOf(e.getMessage()), e);
        } finally {
            if (!opened) {
                if (index != null) {
                    shared.loop().submit(index::close);
                }
                if (media != null) {
                    media.close();
                }
            }
        }
    }

    /// Opens a disk that nobody serves, has `reader` look at it, and closes it again as it was. Its
    /// start is counted like any other.
    public static <T> T look(
            EventLoop loop,
            Path folder,
            @Nullable Path journalFolder,
            Events events,
            Function<Disk, T> reader)
            throws DataException, InterruptedException {
        FilePool pool = new FilePool("file", 1);
        try {
            FileMedia.Options options =
                    new FileMedia.Options(journalFolder, FileMedia.Way.AUTO, true);
            FileMedia media = FileMedia.open(folder, options, loop, pool);
            try {
                return look(loop, media, events, reader);
            } finally {
                media.close();
            }
        } catch (MediaException e) {
            throw new DataException(String.valueOf(e.getMessage()), e);
        } finally {
            pool.close();
        }
    }

    private static <T> T look(
            EventLoop loop, FileMedia media, Events events, Function<Disk, T> reader)
            throws DataException, InterruptedException {
        DiskIdentity.Read read = Disk.identity(media);
        DiskIdentity identity = read.identity();
        if (identity == null) {
            throw new DataException("no disk lies in " + media.folder() + ": " + read.error());
        }
        FlatIndex index = openIndex(loop, media);
        Disk disk;
        try {
            disk = openStore(loop, events, StoreConfig.defaults(), media, index, identity);
        } catch (DataException e) {
            loop.submit(index::close);
            throw e;
        }
        T found = loop.call(() -> reader.apply(disk));
        int result =
                await(
                        loop,
                        "closing " + media.folder(),
                        done -> disk.close((_, closed) -> done.accept(closed), 0));
        if (result < 0) {
            throw new DataException("cannot close " + media.folder() + ": error " + -result);
        }
        return found;
    }

    /// Equal for disks of one host whose folders share a file system; empty where it is not known.
    public String fileSystem() {
        return fileSystem;
    }

    private static String fileSystem(Path folder) {
        try {
            return Long.toHexString((long) Files.getAttribute(folder, "unix:dev"));
        } catch (IOException | UnsupportedOperationException e) {
            return "";
        }
    }

    public Settings settings() {
        return settings;
    }

    /// Where it lives.
    public EventLoop loop() {
        return loop;
    }

    /// Of the loop.
    public Disk disk() {
        return disk;
    }

    /// Looks whether the device owes an answer for too long; to be called several times a second,
    /// on the loop.
    ///
    /// @return whether that is another answer than before
    public boolean lookWhetherItHangs() {
        boolean before = hangs;
        hangs = media.waitingNs() >= Limits.DEVICE_DEADLINE_NS;
        return hangs != before;
    }

    /// What the last look has found.
    public boolean hangs() {
        return hangs;
    }

    int diskId() {
        return disk.identity().diskId();
    }

    /// Whether this is the folder, by whatever path.
    boolean isIn(Path folder) {
        try {
            return Files.isSameFile(folder, settings.folder());
        } catch (IOException e) {
            // One of them is not there.
            return false;
        }
    }

    /// Begins to put everything in its place; to be followed by [#awaitClose].
    void startClose() {
        loop.submit(() -> disk.close((_, result) -> closed.complete(result), 0));
    }

    /// Waits until everything is in its place, and gives the folder back.
    void awaitClose() throws DataException, InterruptedException {
        int result = await("closing " + settings.folder(), closed);
        media.close();
        if (result < 0) {
            throw new DataException(
                    "the disk " + settings.folder() + " was not closed cleanly: error " + -result);
        }
    }

    private interface Start<T> {
        void start(Consumer<T> done);
    }

    private static <T> T await(EventLoop loop, String what, Start<T> start)
            throws DataException, InterruptedException {
        CompletableFuture<T> answer = new CompletableFuture<>();
        loop.submit(() -> start.start(answer::complete));
        return await(what, answer);
    }

    private static <T> T await(String what, CompletableFuture<T> answer)
            throws DataException, InterruptedException {
        try {
            return answer.get(PATIENCE_S, TimeUnit.SECONDS);
        } catch (ExecutionException | TimeoutException e) {
            throw new DataException(what + " does not end", e);
        }
    }

    /// What the folder says it is, compared with what it should be; null where it is empty and may
    /// be made a disk.
    private static @Nullable DiskIdentity identity(
            Shared shared, Settings settings, FileMedia media, ClusterInfo cluster)
            throws DataException {
        Path folder = settings.folder();
        DiskBook.Entry known = shared.book().entry(folder);
        if (media.readSmall(DiskIdentity.FILE) == null) {
            if (known != null && known.made()) {
                throw new DataException(
                        "the folder "
                                + folder
                                + " is empty, but a disk was there: is its device mounted?");
            }
            return null;
        }
        DiskIdentity.Read read = Disk.identity(media);
        DiskIdentity identity = read.identity();
        if (identity == null) {
            throw new DataException("cannot use the disk " + folder + ": " + read.error());
        }
        if (identity.clusterHigh() != cluster.clusterHigh()
                || identity.clusterLow() != cluster.clusterLow()) {
            throw new DataException("the disk " + folder + " belongs to another cluster");
        }
        if (known == null || !known.made()) {
            shared.book()
                    .put(folder, new DiskBook.Entry(identity.uuidHigh(), identity.uuidLow(), true));
        } else if (known.uuidHigh() != identity.uuidHigh()
                || known.uuidLow() != identity.uuidLow()) {
            throw new DataException(
                    "in the folder "
                            + folder
                            + " lies another disk than before ("
                            + identity.uuid()
                            + "): is the right device mounted?");
        }
        return identity;
    }

    private static DiskIdentity make(
            Shared shared,
            Settings settings,
            FileMedia media,
            int nodeId,
            String domain,
            ClusterInfo cluster)
            throws DataException, InterruptedException {
        Path folder = settings.folder();
        DiskBook.Entry entry = shared.book().entry(folder);
        if (entry == null) {
            SecureRandom random = new SecureRandom();
            entry = new DiskBook.Entry(random.nextLong(), random.nextLong(), false);
        } else {
            removeHalfMade(settings);
        }
        shared.book().put(folder, entry);
        long diskId =
                shared.group()
                        .register(
                                new Command.AddDisk(
                                        nodeId,
                                        entry.uuidHigh(),
                                        entry.uuidLow(),
                                        Objects.requireNonNullElse(settings.domain(), domain),
                                        weight(settings),
                                        settings.idle()));
        DiskIdentity identity =
                new DiskIdentity(
                        cluster.clusterHigh(),
                        cluster.clusterLow(),
                        entry.uuidHigh(),
                        entry.uuidLow(),
                        Math.toIntExact(diskId),
                        cluster.pgCount());
        CompletableFuture<String> error = new CompletableFuture<>();
        shared.loop()
                .submit(() ->
                        Disk.format(
                                media,
                                identity,
                                shared.config(),
                                shared.loop().bufs(),
                                why -> error.complete(why == null ? "" : why)));
        String why = error.join();
        if (!why.isEmpty()) {
            throw new DataException("cannot make a disk in " + folder + ": " + why);
        }
        shared.book().put(folder, new DiskBook.Entry(entry.uuidHigh(), entry.uuidLow(), true));
        return identity;
    }

    /// The process died while it made this disk: what it had made so far holds nothing.
    private static void removeHalfMade(Settings settings) throws DataException {
        Path journalFolder =
                Objects.requireNonNullElse(settings.journalFolder(), settings.folder());
        try {
            Files.deleteIfExists(journalFolder.resolve("journal"));
            Files.deleteIfExists(settings.folder().resolve("start.json"));
            Files.deleteIfExists(settings.folder().resolve("start.json.new"));
            Files.deleteIfExists(settings.folder().resolve("disk.json.new"));
        } catch (IOException e) {
            throw new DataException(
                    "cannot clean the folder " + settings.folder() + ": " + e.getMessage(), e);
        }
    }

    private static FlatIndex openIndex(EventLoop loop, FileMedia media)
            throws DataException, InterruptedException {
        record Outcome(@Nullable FlatIndex index, @Nullable String error) {}
        Outcome outcome =
                await(
                        loop,
                        "opening the index of " + media.folder(),
                        done ->
                                FlatIndex.open(
                                        media,
                                        loop,
                                        loop.bufs(),
                                        (index, error) -> done.accept(new Outcome(index, error))));
        FlatIndex index = outcome.index();
        if (index == null) {
            throw new DataException(
                    "cannot open the disk " + media.folder() + ": " + outcome.error());
        }
        return index;
    }

    private static Disk openStore(
            EventLoop loop,
            Events events,
            StoreConfig usual,
            FileMedia media,
            FlatIndex index,
            DiskIdentity identity)
            throws DataException, InterruptedException {
        record Outcome(@Nullable Disk disk, @Nullable String error) {}
        long fileSystemBytes = fileSystemBytes(media.folder());
        StoreConfig config = fitted(usual, fileSystemBytes);
        Outcome outcome =
                await(
                        loop,
                        "opening " + media.folder(),
                        done ->
                                Disk.open(
                                        media,
                                        index,
                                        loop,
                                        loop.bufs(),
                                        config,
                                        identity,
                                        events,
                                        (disk, error) -> done.accept(new Outcome(disk, error))));
        Disk disk = outcome.disk();
        if (disk == null) {
            throw new DataException(
                    "cannot open the disk " + media.folder() + ": " + outcome.error());
        }
        return disk;
    }

    private static long weight(Settings settings) throws DataException {
        if (settings.weight() > 0) {
            return settings.weight();
        }
        return fileSystemBytes(settings.folder());
    }

    private static long fileSystemBytes(Path folder) throws DataException {
        try {
            return Files.getFileStore(folder).getTotalSpace();
        } catch (IOException e) {
            throw new DataException(
                    "the capacity of " + folder + " is not known: " + e.getMessage(), e);
        }
    }

    /// On a small file system segments are smaller, too: they are made ahead of need, and the first
    /// disk must not take what a second one on the same device, or somebody else, could use.
    static StoreConfig fitted(StoreConfig config, long fileSystemBytes) {
        long share = Math.max(SEGMENT_BYTES_MIN, fileSystemBytes / SEGMENTS_MIN);
        long bytes = Math.min(config.segmentBytes(), share - share % SEGMENT_BYTES_MIN);
        return config.withSpace(bytes, config.capacityBytes(), config.reserveBytes());
    }
}
