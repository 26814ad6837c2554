package comet.index;

import comet.base.Check;
import comet.port.Errno;
import comet.port.Loop;
import comet.port.Media;
import comet.port.MediaFile;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The files with the pages, and new ones before they are needed: one is made, beside the work,
/// where less than a fifth of all pages is free, or less than what two commits like the last ones
/// took. So a commit finds its space also where somebody else's files have filled the file system,
/// and the pages of a commit lie close together. Files are never deleted.
final class IndexFiles {
    /// Told 0 where there is one more file, else why not.
    interface Grown {
        void grown(int errno);
    }

    static final String FOLDER = "index";

    /// How long after a failed try the next file may be made.
    private static final long RETRY_NS = 500_000_000L;

    /// What a step of a commit wants to be free before it begins is less.
    private static final int SPARE_PAGES = 96;

    private static final int NUMBER_MAX = 999_999;

    private final Media media;
    private final Loop loop;
    private final PageSpace space;
    private final List<MediaFile> files = new ArrayList<>();
    private boolean creating;
    private boolean closed;
    private int failedWith;
    private long retryAtNs;
    private @Nullable Grown waiting;

    IndexFiles(Media media, Loop loop, PageSpace space) {
        this.media = media;
        this.loop = loop;
        this.space = space;
    }

    PageSpace space() {
        return space;
    }

    int count() {
        return files.size();
    }

    long fileBytes() {
        return fileBytes(space.pagesPerFile);
    }

    static long fileBytes(int pagesPerFile) {
        return (long) pagesPerFile << Layout.PAGE_SHIFT;
    }

    static String name(int number) {
        String digits = Integer.toString(number);
        return FOLDER + "/" + "0".repeat(6 - digits.length()) + digits;
    }

    void add(MediaFile file) {
        files.add(file);
        space.addFile();
    }

    /// The file in which a page lies.
    MediaFile of(int page) {
        return files.get(space.fileOf(page));
    }

    MediaFile get(int n) {
        return files.get(n);
    }

    /// Makes a file ahead of need.
    ///
    /// @param commitPages what a commit may take
    void growAhead(int commitPages) {
        long wanted = Math.max(space.totalPages() / 5, 2L * commitPages + SPARE_PAGES);
        if (!creating && !closed && space.freePages() < wanted && !isTooEarly()) {
            create();
        }
    }

    /// There is too little: makes a file, or waits for the one that is being made.
    ///
    /// @param done told, later, 0 or why there is not one more: ENOSPC where it may be tried again
    void growThen(Grown done) {
        Check.that(waiting == null, "one waits for space");
        waiting = done;
        if (creating) {
            return;
        }
        if (isTooEarly()) {
            loop.execute(() -> wake(failedWith));
        } else {
            create();
        }
    }

    private boolean isTooEarly() {
        return failedWith != 0 && loop.nowNs() < retryAtNs;
    }

    private void wake(int errno) {
        Grown done = waiting;
        waiting = null;
        if (done != null && !closed) {
            done.grown(errno);
        }
    }

    private void create() {
        int number = files.size() + 1;
        if (number > NUMBER_MAX || !space.hasNumbers()) {
            loop.execute(() -> wake(Errno.ENOSPC));
            return;
        }
        creating = true;
        media.create(name(number), fileBytes(), Media.Access.CACHED, this::created);
    }

    private void created(@Nullable MediaFile file, int errno) {
        creating = false;
        if (file == null) {
            failedWith = errno == 0 ? Errno.EIO : errno;
            retryAtNs = loop.nowNs() + RETRY_NS;
            wake(failedWith);
        } else if (closed) {
            file.close();
        } else {
            failedWith = 0;
            add(file);
            wake(0);
        }
    }

    void close() {
        closed = true;
        files.forEach(MediaFile::close);
    }
}
