package comet.index;

import comet.base.Buf;
import comet.base.Crc;
import org.jspecify.annotations.Nullable;

/// What the file `index/root` says: which tree is the newest. It has two slots of 4 KiB, written in
/// turn (commit `n` to slot `n % 2`), and each holds eight copies of the same 512 bytes, so that a
/// single one that goes bad is no loss, and a write that was cut between sectors leaves whole
/// copies, old or new. The newest valid copy counts. A slot without any is damage: no crash leaves
/// it so, but before the first commit.
///
/// ```
///  0 u64 magic, the bytes `COMETIDX`
///  8 u32 format, 1
/// 12 u32 crc      of the 512 bytes, with this field zero
/// 16 u64 commit   number of the commit
/// 24 u32 pages of a file, a power of two
/// 28 u32 files    that exist for sure
/// 32 u32 page     of the tree's root
/// 36 u32 crc      of that page
/// 40 u32 levels   of the tree, 0: empty
/// 44 zeros
/// ```
record RootSlot(long commit, int pagesPerFile, int files, int page, int crc, int levels) {
    static final String FILE = "index/root";
    static final int FORMAT = 1;
    static final int SLOT_BYTES = 4096;
    static final int SLOTS = 2;
    static final int FILE_BYTES = SLOTS * SLOT_BYTES;
    static final int COPY_BYTES = 512;
    private static final long MAGIC = 0x58444954_454D4F43L;
    private static final int CRC_AT = 12;

    int slot() {
        return (int) (commit % SLOTS);
    }

    /// Fills the slot's 4 KiB.
    void encode(Buf buf, int offset, Crc crcs) {
        buf.zero(offset, SLOT_BYTES);
        buf.bytes()
                .putLong(offset, MAGIC)
                .putInt(offset + 8, FORMAT)
                .putLong(offset + 16, commit)
                .putInt(offset + 24, pagesPerFile)
                .putInt(offset + 28, files)
                .putInt(offset + 32, page)
                .putInt(offset + 36, crc)
                .putInt(offset + 40, levels);
        buf.bytes().putInt(offset + CRC_AT, crcs.of(buf, offset, COPY_BYTES));
        for (int at = COPY_BYTES; at < SLOT_BYTES; at += COPY_BYTES) {
            buf.copyFrom(offset + at, buf, offset, COPY_BYTES);
        }
    }

    /// What was found in the file.
    ///
    /// @param error with words for people, where nothing can be used
    record Found(@Nullable RootSlot newest, @Nullable String error) {}

    /// Looks at both slots. Neither a slot nor an error: nothing was ever written.
    static Found find(Buf buf, Crc crcs) {
        RootSlot newest = null;
        boolean blank = true;
        boolean[] valid = new boolean[SLOTS];
        for (int at = 0; at < FILE_BYTES; at += COPY_BYTES) {
            blank &= isBlank(buf, at);
            if (!isValid(buf, at, crcs)) {
                continue;
            }
            if (buf.bytes().getInt(at + 8) != FORMAT) {
                return new Found(
                        null,
                        "the index has format "
                                + buf.bytes().getInt(at + 8)
                                + ", this program knows "
                                + FORMAT);
            }
            valid[at / SLOT_BYTES] = true;
            RootSlot slot = decode(buf, at);
            if (newest == null || slot.commit > newest.commit) {
                newest = slot;
            }
        }
        if (newest == null) {
            return new Found(null, blank ? null : FILE + " is damaged");
        }
        if (newest.commit > 0 && !(valid[0] && valid[1])) {
            return new Found(null, "a slot of " + FILE + " is damaged");
        }
        return new Found(newest, null);
    }

    private static boolean isBlank(Buf buf, int at) {
        for (int i = 0; i < COPY_BYTES; i += 8) {
            if (buf.bytes().getLong(at + i) != 0) {
                return false;
            }
        }
        return true;
    }

    private static boolean isValid(Buf buf, int at, Crc crcs) {
        if (buf.bytes().getLong(at) != MAGIC) {
            return false;
        }
        int stored = buf.bytes().getInt(at + CRC_AT);
        buf.bytes().putInt(at + CRC_AT, 0);
        return crcs.of(buf, at, COPY_BYTES) == stored;
    }

    private static RootSlot decode(Buf buf, int at) {
        return new RootSlot(
                buf.bytes().getLong(at + 16),
                buf.bytes().getInt(at + 24),
                buf.bytes().getInt(at + 28),
                buf.bytes().getInt(at + 32),
                buf.bytes().getInt(at + 36),
                buf.bytes().getInt(at + 40));
    }
}
