package comet.index;

import comet.base.Buf;
import comet.base.BufPool;
import comet.base.Crc;
import comet.port.Loop;
import comet.port.Media;
import comet.port.MediaFile;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// The way of an index from its folder to service: finds the newest root, opens the files, loads
/// the tree ([TreeLoad]). An empty folder becomes an empty index.
final class IndexOpen {
    /// 64 MiB.
    private static final int PAGES_PER_FILE = 1 << 14;

    /// 256 KiB.
    private static final int PAGES_PER_FILE_MIN = 1 << 6;

    /// A file takes at most about this part of what is free when the index is made.
    private static final int FREE_PART = 1024;

    private final Media media;
    private final Loop loop;
    private final BufPool pool;
    private final Crc crcs = new Crc();
    private final int pagesPerFile;
    private final FlatIndex.Opened done;
    private final List<String> names;
    private @Nullable MediaFile rootFile;
    private @Nullable IndexFiles files;

    private IndexOpen(
            Media media, Loop loop, BufPool pool, int pagesPerFile, FlatIndex.Opened done) {
        this.media = media;
        this.loop = loop;
        this.pool = pool;
        this.pagesPerFile = pagesPerFile;
        this.done = done;
        names = media.list(IndexFiles.FOLDER);
    }

    /// Of a new index, by what the file system has.
    static int pagesPerFile(long freeBytes) {
        long pages = freeBytes / FREE_PART >>> Layout.PAGE_SHIFT;
        return Math.clamp(
                Long.highestOneBit(Math.max(1, pages)), PAGES_PER_FILE_MIN, PAGES_PER_FILE);
    }

    /// @param pagesPerFile where a new index is made
    static void open(
            Media media, Loop loop, BufPool pool, int pagesPerFile, FlatIndex.Opened done) {
        new IndexOpen(media, loop, pool, pagesPerFile, done).start();
    }

    private void start() {
        if (names.contains("CURRENT")) {
            refuse(
                    "the index was made by an older version of the program, with RocksDB, which"
                            + " this one cannot read");
        } else if (names.contains("root")) {
            media.open(RootSlot.FILE, Media.Access.DIRECT, this::rootOpened);
        } else if (isFileNamed(1)) {
            refuse(RootSlot.FILE + " is missing");
        } else {
            create();
        }
    }

    private boolean isFileNamed(int number) {
        return names.contains(IndexFiles.name(number).substring(IndexFiles.FOLDER.length() + 1));
    }

    private void refuse(String error) {
        if (rootFile != null) {
            rootFile.close();
        }
        if (files != null) {
            files.close();
        }
        loop.execute(() -> done.opened(null, error));
    }

    private void rootOpened(@Nullable MediaFile file, int errno) {
        if (file == null) {
            refuse("cannot open " + RootSlot.FILE + ": errno " + errno);
            return;
        }
        if (file.sizeBytes() < RootSlot.FILE_BYTES && !isFileNamed(1)) {
            removeHalfMadeRoot(file);
            return;
        }
        rootFile = file;
        Buf buf = pool.take(RootSlot.FILE_BYTES);
        file.read(
                0,
                buf,
                0,
                RootSlot.FILE_BYTES,
                (_, result) -> {
                    if (result != RootSlot.FILE_BYTES) {
                        buf.release();
                        refuse("cannot read " + RootSlot.FILE + ": " + result);
                        return;
                    }
                    RootSlot.Found found = RootSlot.find(buf, crcs);
                    rootRead(buf, found.newest(), found.error());
                },
                0);
    }

    /// The machine stopped while it was made.
    private void removeHalfMadeRoot(MediaFile file) {
        file.close();
        media.delete(
                RootSlot.FILE,
                (_, result) -> {
                    if (result < 0) {
                        refuse("cannot delete " + RootSlot.FILE + ": errno " + -result);
                    } else {
                        create();
                    }
                },
                0);
    }

    private void create() {
        media.create(RootSlot.FILE, RootSlot.FILE_BYTES, Media.Access.DIRECT, this::rootOpened);
    }

    private void rootRead(Buf buf, @Nullable RootSlot newest, @Nullable String error) {
        if (error != null) {
            buf.release();
            refuse(error);
        } else if (newest != null && newest.commit() > 0) {
            writeAgain(buf, newest);
        } else if (newest != null) {
            begin(buf, newest); // perhaps only one slot was durable
        } else if (isFileNamed(1)) {
            buf.release();
            refuse(RootSlot.FILE + " is empty");
        } else {
            begin(buf, new RootSlot(0, pagesPerFile, 0, 0, 0, 0));
        }
    }

    /// What was read may be what an earlier life wrote and did not live to sync: the machine may
    /// still forget it. It is built upon only once it is durable.
    private void writeAgain(Buf buf, RootSlot newest) {
        int at = newest.slot() * RootSlot.SLOT_BYTES;
        newest.encode(buf, at, crcs);
        Objects.requireNonNull(rootFile)
                .writeAndSync(
                        at,
                        buf,
                        at,
                        RootSlot.SLOT_BYTES,
                        (_, result) -> written(buf, newest, result, RootSlot.SLOT_BYTES),
                        0);
    }

    private void written(Buf buf, RootSlot slot, int result, int bytes) {
        buf.release();
        if (result != bytes) {
            refuse("cannot write " + RootSlot.FILE + ": " + result);
        } else {
            openFiles(slot);
        }
    }

    /// Writes the root of an empty index.
    private void begin(Buf buf, RootSlot empty) {
        for (int at = 0; at < RootSlot.FILE_BYTES; at += RootSlot.SLOT_BYTES) {
            empty.encode(buf, at, crcs);
        }
        Objects.requireNonNull(rootFile)
                .writeAndSync(
                        0,
                        buf,
                        0,
                        RootSlot.FILE_BYTES,
                        (_, result) -> written(buf, empty, result, RootSlot.FILE_BYTES),
                        0);
    }

    private void openFiles(RootSlot slot) {
        IndexFiles opened = new IndexFiles(media, loop, new PageSpace(slot.pagesPerFile()));
        files = opened;
        openNext(opened, slot);
    }

    private void openNext(IndexFiles opened, RootSlot slot) {
        int number = opened.count() + 1;
        if (isFileNamed(number)) {
            media.open(
                    IndexFiles.name(number),
                    Media.Access.CACHED,
                    (file, errno) -> fileOpened(opened, slot, file, errno));
        } else if (number <= slot.files()) {
            refuse(IndexFiles.name(number) + " is missing");
        } else {
            load(opened, slot);
        }
    }

    private void fileOpened(IndexFiles opened, RootSlot slot, @Nullable MediaFile file, int errno) {
        int number = opened.count() + 1;
        String name = IndexFiles.name(number);
        if (file == null) {
            refuse("cannot open " + name + ": errno " + errno);
        } else if (file.sizeBytes() == opened.fileBytes()) {
            opened.add(file);
            openNext(opened, slot);
        } else {
            file.close();
            if (number <= slot.files()) {
                refuse(name + " has " + file.sizeBytes() + " bytes");
            } else {
                removeHalfMade(opened, slot, name);
            }
        }
    }

    /// The machine stopped while it was made: nothing lies in it.
    private void removeHalfMade(IndexFiles opened, RootSlot slot, String name) {
        media.delete(
                name,
                (_, result) -> {
                    if (result < 0) {
                        refuse("cannot delete " + name + ": errno " + -result);
                    } else {
                        load(opened, slot);
                    }
                },
                0);
    }

    private void load(IndexFiles opened, RootSlot slot) {
        MediaFile ofRoot = Objects.requireNonNull(rootFile);
        new TreeLoad(
                        opened,
                        pool,
                        crcs,
                        (root, error) -> {
                            if (error != null) {
                                refuse(error);
                            } else {
                                opened.growAhead(0);
                                done.opened(
                                        new FlatIndex(opened, ofRoot, loop, pool, slot, root),
                                        null);
                            }
                        })
                .start(slot);
    }
}
