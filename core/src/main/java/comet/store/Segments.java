package comet.store;

import comet.base.Sizes;
import comet.port.Errno;
import comet.port.Events;
import comet.port.Loop;
import comet.port.Media;
import comet.port.MediaFile;
import java.util.List;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// The segment files of a disk: finds them at start, makes new ones before they are needed, and
/// says how much space there is and how much of it is spoken for.
///
/// Clients are promised only space in files that exist (preallocated): so when somebody else's
/// files fill the file system, nothing that was promised suffers. A new file is made when less than
/// half of one stays free.
final class Segments {
    /// Told when all segments are open, with what is wrong, if something is.
    interface Opened {
        void opened(@Nullable String error);
    }

    private static final String FOLDER = "segments/";

    /// How long after a failed try to make a file the next one may be made, and how old the known
    /// size of the file system may be.
    private static final long RETRY_NS = 1_000_000_000L;

    /// The last files may be as small as that: what is less on each of two disks of one size is no
    /// more than a difference between what they hold. Not smaller, because each file is kept open.
    private static final long LAST_BYTES_MIN = 128 << 10;

    private final Media media;
    private final Loop loop;
    private final StoreConfig config;
    private final Events events;
    private final Pending pending;
    private final SpaceMap space = new SpaceMap();
    private int nextNumber = 1;
    private boolean creating;
    private boolean stopped;
    private long nextTryNs = Long.MIN_VALUE;
    private @Nullable Runnable afterGrowth;

    private long promisedBlocks;

    /// Blocks that the running checkpoint has given a place and that still count as pending.
    private int placedBlocks;

    private long freeBytes;
    private long freeBytesAtNs = Long.MIN_VALUE;

    private int level;

    Segments(Media media, Loop loop, StoreConfig config, Events events, Pending pending) {
        this.media = media;
        this.loop = loop;
        this.config = config;
        this.events = events;
        this.pending = pending;
    }

    SpaceMap space() {
        return space;
    }

    /// Opens all files. `known` are the segments that the index knows, with their sizes in blocks
    /// rounded up to whole pieces: one without a file is lost.
    void open(TreeMap<Integer, Integer> known, Opened done) {
        List<String> names = media.list("segments");
        TreeMap<Integer, @Nullable MediaFile> files = new TreeMap<>();
        openNext(names, 0, files, known, done);
    }

    private void openNext(
            List<String> names,
            int n,
            TreeMap<Integer, @Nullable MediaFile> files,
            TreeMap<Integer, Integer> known,
            Opened done) {
        if (n == names.size()) {
            done.opened(addAll(files, known));
            return;
        }
        String name = names.get(n);
        if (!name.matches("[0-9]{6}")) {
            openNext(names, n + 1, files, known, done);
            return;
        }
        media.open(
                FOLDER + name,
                Media.Access.CACHED,
                (file, errno) -> {
                    if (file == null) {
                        done.opened("cannot open " + FOLDER + name + ": errno " + errno);
                        return;
                    }
                    files.put(Integer.parseInt(name), file);
                    openNext(names, n + 1, files, known, done);
                });
    }

    private @Nullable String addAll(
            TreeMap<Integer, @Nullable MediaFile> files, TreeMap<Integer, Integer> known) {
        for (var entry : known.entrySet()) {
            files.putIfAbsent(entry.getKey(), null);
        }
        for (var entry : files.entrySet()) {
            int number = entry.getKey();
            MediaFile file = entry.getValue();
            nextNumber = number + 1;
            int blocks = known.getOrDefault(number, 0);
            if (file == null) {
                events.event(
                        Events.Level.ERROR,
                        "segment-missing",
                        "segment=" + name(number) + " blocks=" + blocks);
            } else {
                blocks =
                        (int)
                                (Math.min(file.sizeBytes(), StoreConfig.SEGMENT_BYTES_MAX)
                                        >>> Sizes.BLOCK_SHIFT);
                if (blocks == 0) {
                    // Made in a moment in which the machine stopped; nothing lies in it.
                    file.close();
                    continue;
                }
            }
            space.add(new Segment(number, blocks, file));
        }
        return null;
    }

    /// After replay: a large write lies at `place`. Its segment may be missing without the index
    /// ever having known it; its number is not given to another file.
    ///
    /// @return see [SpaceMap#claimFound]
    boolean claimFound(long place) {
        int number = SpaceMap.segmentOf(place);
        if (space.segment(number) == null) {
            nextNumber = Math.max(nextNumber, number + 1);
            Segment missing = new Segment(number, SpaceMap.PIECE_BLOCKS, null);
            missing.dirtyPieces[0] = true; // so that the index knows it from now on
            space.add(missing);
            events.event(Events.Level.ERROR, "segment-missing", "segment=" + name(number));
        }
        return space.claimFound(place);
    }

    static String name(int number) {
        String digits = Integer.toString(number);
        return FOLDER + "0".repeat(Math.max(0, 6 - digits.length())) + digits;
    }

    // Growth.

    /// Makes a new file if less than half of one is free beside all promises, or if `wantedBlocks`
    /// are not; at most one at a time.
    void growIfNeeded(long wantedBlocks) {
        long half = config.segmentBytes() / 2 >>> Sizes.BLOCK_SHIFT;
        if (!creating && !stopped && availableBlocks() < Math.max(half, wantedBlocks)) {
            grow();
        }
    }

    /// Makes a new file; `done` runs, later, whether or not that succeeded.
    void growThen(Runnable done) {
        if (creating) {
            Runnable before = afterGrowth;
            afterGrowth =
                    before == null
                            ? done
                            : () -> {
                                before.run();
                                done.run();
                            };
            return;
        }
        if (!grow()) {
            loop.execute(done);
            return;
        }
        afterGrowth = done;
    }

    private boolean grow() {
        long bytes = growthBytes();
        if (bytes == 0 || loop.nowNs() < nextTryNs || nextNumber > 999_999) {
            return false;
        }
        creating = true;
        int number = nextNumber++;
        media.create(
                name(number),
                bytes,
                Media.Access.CACHED,
                (file, errno) -> created(number, file, errno));
        return true;
    }

    /// Size of the next file, 0 where there can be none. The last ones take half of what is left
    /// each, because another disk on the same device may be about to make one, too.
    private long growthBytes() {
        long limit = config.capacityBytes();
        long total = space.totalBlocks() << Sizes.BLOCK_SHIFT;
        if (mediaFreeBytes() > spareBytes()) {
            // That may be a second old.
            freeBytesAtNs = Long.MIN_VALUE;
        }
        long bytes = Math.min(config.segmentBytes(), (mediaFreeBytes() - spareBytes()) / 2);
        if (limit > 0) {
            bytes = Math.min(bytes, limit - total);
        }
        bytes -= bytes % SpaceMap.SEGMENT_UNIT_BYTES;
        return bytes < fileBytesMin() ? 0 : bytes;
    }

    private long fileBytesMin() {
        return Math.min(config.segmentBytes(), LAST_BYTES_MIN);
    }

    /// What the segments may still grow by for certain: where half of what is left makes no file
    /// any more ([#growthBytes]), it makes no space.
    private long growthLeftBytes(long totalBytes) {
        long left = Math.max(0, mediaFreeBytes() - spareBytes() - 2 * fileBytesMin());
        if (config.capacityBytes() > 0) {
            long toLimit = config.capacityBytes() - totalBytes;
            left = Math.min(left, toLimit < fileBytesMin() ? 0 : toLimit);
        }
        return left;
    }

    private void created(int number, @Nullable MediaFile file, int errno) {
        creating = false;
        freeBytesAtNs = Long.MIN_VALUE;
        if (file == null) {
            nextTryNs = loop.nowNs() + RETRY_NS;
            if (errno == Errno.ENOSPC && nextNumber == number + 1) {
                // Nothing is there, and it is tried again as long as the file system is full.
                nextNumber = number;
            }
            events.event(
                    Events.Level.WARN,
                    "segment-not-made",
                    "segment=" + name(number) + " errno=" + errno);
        } else if (stopped) {
            file.close();
        } else {
            space.add(new Segment(number, (int) (file.sizeBytes() >>> Sizes.BLOCK_SHIFT), file));
        }
        Runnable after = afterGrowth;
        afterGrowth = null;
        if (file != null) {
            growIfNeeded(0);
        }
        if (after != null) {
            after.run();
        }
    }

    boolean isCreating() {
        return creating;
    }

    // Promises.

    /// Blocks that are free beside what is pending, promised and kept back; may be negative.
    long availableBlocks() {
        return space.freeBlocks()
                + placedBlocks
                - pending.unplacedBlocks()
                - promisedBlocks
                - keptBackBlocks();
    }

    /// Blocks that are free beside what is pending: a large write may take them now.
    long unclaimedBlocks() {
        return space.freeBlocks() + placedBlocks - pending.unplacedBlocks();
    }

    /// Somebody else has filled the file system so far that the index may find no room: nothing is
    /// promised any more, not even what would go to existing segments.
    private boolean isCramped() {
        return mediaFreeBytes() < config.reserveBytes() / 2;
    }

    /// See [ChunkStore#fits].
    boolean fits(long bytes, long besideBytes) {
        growIfNeeded(blocks(bytes));
        return !isCramped()
                && suffices(availableBlocks() + keptBackBlocks() / 2, bytes, besideBytes);
    }

    private boolean suffices(long foundBlocks, long bytes, long besideBytes) {
        long beside = foundBlocks - blocks(bytes);
        return beside >= 0
                && (beside >= blocks(besideBytes)
                        || beside + growthLeftBlocks() >= blocks(besideBytes));
    }

    private long growthLeftBlocks() {
        return isCramped()
                ? 0
                : growthLeftBytes(space.totalBlocks() << Sizes.BLOCK_SHIFT) >>> Sizes.BLOCK_SHIFT;
    }

    private long keptBackBlocks() {
        return config.reserveBytes() >>> Sizes.BLOCK_SHIFT;
    }

    boolean grant(long bytes, long besideBytes) {
        long blocks = blocks(bytes);
        growIfNeeded(blocks);
        if (!suffices(availableBlocks(), bytes, besideBytes) || isCramped()) {
            checkLevel();
            return false;
        }
        promisedBlocks += blocks;
        return true;
    }

    /// Whether it is only what is pending that stands in the way of a promise: it counts as if all
    /// of it needed new space, and may go over its old places, or may free them.
    ///
    /// @param copy whether it was asked for by [#fits]
    boolean mayFitOnceSettled(long bytes, long besideBytes, boolean copy) {
        long settling = (long) pending.unplacedBlocks() + pending.freeingBlocks() - placedBlocks;
        long kept = copy ? keptBackBlocks() / 2 : 0;
        return settling > 0 && suffices(availableBlocks() + kept + settling, bytes, besideBytes);
    }

    void giveBack(long bytes) {
        promisedBlocks = Math.max(0, promisedBlocks - blocks(bytes));
    }

    long promisedBlocks() {
        return promisedBlocks;
    }

    void placed(int blocks) {
        placedBlocks = blocks;
    }

    private static long blocks(long bytes) {
        return bytes + Sizes.BLOCK_BYTES - 1 >>> Sizes.BLOCK_SHIFT;
    }

    long usedBytes() {
        return space.usedBlocks() << Sizes.BLOCK_SHIFT;
    }

    /// What clients may use: what is kept back does not count.
    long capacityBytes() {
        if (isCramped()) {
            return usedBytes();
        }
        long total = space.totalBlocks() << Sizes.BLOCK_SHIFT;
        return Math.max(0, total + growthLeftBytes(total) - config.reserveBytes());
    }

    /// Left free in the file system for the index, which takes 24 bytes for a block, compacts
    /// itself by writing anew, and grows while segments fill.
    private long spareBytes() {
        return Math.max(config.reserveBytes(), space.totalBlocks() << Sizes.BLOCK_SHIFT - 6);
    }

    private long mediaFreeBytes() {
        long now = loop.nowNs();
        if (freeBytesAtNs == Long.MIN_VALUE || now - freeBytesAtNs > RETRY_NS) {
            freeBytes = media.freeBytes();
            freeBytesAtNs = now;
        }
        return freeBytes;
    }

    /// Fullness in percent of what the disk may use.
    int fullPercent() {
        long capacity = Math.max(1, capacityBytes());
        return (int) Math.min(100, usedBytes() * 100 / capacity);
    }

    /// Says once when a level is reached or left.
    void checkLevel() {
        int percent = fullPercent();
        int now = percent >= config.fullPercent() ? 2 : percent >= config.nearFullPercent() ? 1 : 0;
        if (now != level) {
            boolean worse = now > level;
            level = now;
            events.event(
                    worse ? Events.Level.WARN : Events.Level.INFO,
                    worse ? "disk-near-full" : "disk-less-full",
                    "percent=" + percent);
        }
    }

    void close() {
        stopped = true;
        for (Segment segment : space.segments()) {
            if (segment.file != null) {
                segment.file.close();
            }
        }
    }
}
