package comet.index;

import comet.base.Check;
import java.util.Arrays;

/// Which pages are in use. Nothing of it is on disk: what the tree reaches is in use.
///
/// Allocation goes through one file from its start to its end, then through the one with the most
/// free pages: so a commit's pages lie in few files, in order of place, and mostly side by side.
final class PageSpace {
    final int pagesPerFile;
    private final int fileShift;
    private long[][] used = new long[4][];
    private int[] free = new int[4];
    private int files;
    private int freePages;
    private int current = -1;
    private int at;

    PageSpace(int pagesPerFile) {
        Check.that(
                pagesPerFile >= 64 && Integer.bitCount(pagesPerFile) == 1,
                "pages of a file",
                pagesPerFile,
                0);
        this.pagesPerFile = pagesPerFile;
        fileShift = Integer.numberOfTrailingZeros(pagesPerFile);
    }

    int files() {
        return files;
    }

    int freePages() {
        return freePages;
    }

    int totalPages() {
        return files << fileShift;
    }

    /// Whether one more file's pages can be numbered.
    boolean hasNumbers() {
        return files + 1 < 1 << 31 - fileShift;
    }

    int fileOf(int page) {
        return page >>> fileShift;
    }

    long positionOf(int page) {
        return (long) (page & pagesPerFile - 1) << Layout.PAGE_SHIFT;
    }

    void addFile() {
        if (files == used.length) {
            used = Arrays.copyOf(used, 2 * files);
            free = Arrays.copyOf(free, 2 * files);
        }
        used[files] = new long[pagesPerFile >>> 6];
        free[files] = pagesPerFile;
        files++;
        freePages += pagesPerFile;
    }

    /// At start: a page that the tree reaches. False where there is no such page, or it was reached
    /// before.
    boolean markUsed(int page) {
        int file = fileOf(page);
        int bit = page & pagesPerFile - 1;
        if (page < 0 || file >= files || (used[file][bit >>> 6] >>> bit & 1) != 0) {
            return false;
        }
        take(file, bit);
        return true;
    }

    boolean isUsed(int page) {
        int bit = page & pagesPerFile - 1;
        return (used[fileOf(page)][bit >>> 6] >>> bit & 1) != 0;
    }

    int allocate() {
        Check.that(freePages > 0, "no free page");
        int bit = current < 0 ? pagesPerFile : nextFree(used[current], at);
        while (bit >= pagesPerFile) {
            current = emptiest();
            bit = nextFree(used[current], 0);
        }
        take(current, bit);
        at = bit + 1;
        return (current << fileShift) + bit;
    }

    void free(int page) {
        int file = fileOf(page);
        int bit = page & pagesPerFile - 1;
        Check.that(isUsed(page), "page freed twice", page, 0);
        used[file][bit >>> 6] &= ~(1L << bit);
        free[file]++;
        freePages++;
    }

    private void take(int file, int bit) {
        used[file][bit >>> 6] |= 1L << bit;
        free[file]--;
        freePages--;
    }

    private int emptiest() {
        int best = 0;
        for (int file = 1; file < files; file++) {
            if (free[file] > free[best]) {
                best = file;
            }
        }
        return best;
    }

    private int nextFree(long[] bits, int from) {
        int word = from >>> 6;
        if (word >= bits.length) {
            return pagesPerFile;
        }
        long clear = ~bits[word] & -1L << from;
        while (clear == 0) {
            if (++word == bits.length) {
                return pagesPerFile;
            }
            clear = ~bits[word];
        }
        return (word << 6) + Long.numberOfTrailingZeros(clear);
    }
}
