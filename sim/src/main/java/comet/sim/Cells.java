package comet.sim;

import comet.base.Buf;
import comet.base.Prng;
import comet.base.Sizes;
import comet.sim.check.Op;

/// The parts of a volume that guests use, cut into cells: a few windows (at its ends and across
/// chunk borders), so that requests meet often. A cell is a sector; or smaller and at an odd place
/// inside its sector, in runs that try partial sectors. Each cell that is written says which
/// request wrote it.
final class Cells {
    private static final int ID_SHIFT = 20;
    private static final int SECTOR = Sizes.SECTOR_BYTES;

    private final int cellBytes;
    private final int shift;
    private final int cellsPerSector;
    private final int cellsPerWindow;
    private final long[] windows;

    /// @param shift bytes of each sector before its first cell
    /// @param windows where each window starts, in bytes, in order; whole sectors
    private Cells(int cellBytes, int shift, int windowBytes, long... windows) {
        this.cellBytes = cellBytes;
        this.shift = shift;
        this.windows = windows;
        cellsPerSector = (SECTOR - shift) / cellBytes;
        cellsPerWindow = windowBytes / SECTOR * cellsPerSector;
    }

    /// Windows at the start, at the end and over every chunk border between.
    static Cells of(long volumeBytes, int windowBytes, int cellBytes, int shift) {
        int borders = (int) ((volumeBytes - 1) / Sizes.CHUNK_BYTES);
        long[] windows = new long[borders + 2];
        for (int i = 1; i <= borders; i++) {
            windows[i] = (long) i * Sizes.CHUNK_BYTES - windowBytes / 2;
        }
        windows[borders + 1] = volumeBytes - windowBytes;
        return new Cells(cellBytes, shift, windowBytes, windows);
    }

    int count() {
        return windows.length * cellsPerWindow;
    }

    int cellsPerWindow() {
        return cellsPerWindow;
    }

    long offset(int cell) {
        int inWindow = cell % cellsPerWindow;
        return windows[cell / cellsPerWindow]
                + (long) (inWindow / cellsPerSector) * SECTOR
                + shift
                + (long) (inWindow % cellsPerSector) * cellBytes;
    }

    long end(int cell) {
        return offset(cell) + cellBytes;
    }

    /// From the start of the first to the end of the last of some cells.
    long bytes(int firstCell, int count) {
        return end(firstCell + count - 1) - offset(firstCell);
    }

    /// Cells from `cell` to the end of its window.
    int leftInWindow(int cell) {
        return cellsPerWindow - cell % cellsPerWindow;
    }

    void fill(long id, int firstCell, int count, Buf target) {
        int length = (int) bytes(firstCell, count);
        for (int at = 0; at < length && cellBytes < SECTOR; at++) {
            target.bytes().put(at, (byte) 0x5A);
        }
        for (int n = 0; n < count; n++) {
            int start = (int) (offset(firstCell + n) - offset(firstCell));
            long word = id << ID_SHIFT | firstCell + n;
            for (int at = 0; at < cellBytes; at += 8) {
                target.bytes().putLong(start + at, at == 0 ? word : word(word, at));
            }
        }
    }

    private static long word(long first, int at) {
        return Prng.mix(first + at);
    }

    /// The value of each cell read: a request's id, 0 for zeros, or garbage.
    long[] decode(int firstCell, int count, Buf source) {
        long[] values = new long[count];
        for (int n = 0; n < count; n++) {
            int start = (int) (offset(firstCell + n) - offset(firstCell));
            values[n] = valueOf(firstCell + n, start, source);
        }
        return values;
    }

    private long valueOf(int cell, int offset, Buf source) {
        long first = source.bytes().getLong(offset);
        for (int at = 8; at < cellBytes; at += 8) {
            long expected = first == 0 ? 0 : word(first, at);
            if (source.bytes().getLong(offset + at) != expected) {
                return Op.GARBAGE;
            }
        }
        if (first != 0 && (first & (1 << ID_SHIFT) - 1) != cell) {
            return Op.GARBAGE;
        }
        return first >>> ID_SHIFT;
    }
}
