package comet.replica;

import comet.base.Check;
import comet.base.Crc;
import comet.cluster.MapImage;
import comet.cluster.MapUpdate;
import comet.port.Events.Level;
import comet.store.ChunkStore;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// The newest map and catalogue as notes on one disk, so that a metadata group that was lost can be
/// made anew from the disks: see [MapImage] for what they hold. Described in `docs/formats.md`.
///
/// A copy is cut into pieces, since a note fits into one record of the journal. There are two
/// copies, and the older one is written over: so a crash in the middle leaves the other one whole.
/// Written at most once a second, a large one less often, and only when something has changed.
public final class MapNotes {
    /// Before the data of each piece: u32 checksum of the whole copy, u32 piece, u32 pieces, u32 0,
    /// u64 revision.
    static final int HEAD_BYTES = 24;

    static final int PIECE_BYTES = 32 << 10;
    private static final int DATA_BYTES = PIECE_BYTES - HEAD_BYTES;
    private static final int COPIES = 2;

    private final DiskServer disk;
    private final ChunkStore store;

    /// The copy to be written next, and what the newest one on the disk holds.
    private int copy;

    private long writtenRevision;
    private boolean known;
    private long dueNs = Long.MIN_VALUE;

    // The copy that is being written.
    private byte @Nullable [] image;
    private long revision;
    private int checksum;
    private int nextPiece;
    private boolean toldTooLong;

    MapNotes(DiskServer disk) {
        this.disk = disk;
        store = disk.store();
    }

    /// Before the disk serves for the first time: no copy on any other disk may know it yet.
    /// Durable with what is noted next.
    void first() {
        if (newest(store) < 0) {
            tick();
        }
    }

    /// Begins a copy where one is due. Called now and then, on a disk that serves.
    void tick() {
        long now = disk.loop().nowNs();
        if (image != null || now < dueNs) {
            return;
        }
        if (!known) {
            known = true;
            copy = newest(store);
            MapUpdate before = copy < 0 ? null : read(store, copy);
            writtenRevision = before == null ? 0 : before.revision();
            copy = copy < 0 ? 0 : (copy + 1) % COPIES;
        }
        revision = disk.view().map().revision();
        if (revision == writtenRevision) {
            return;
        }
        byte[] encoded = disk.view().image();
        long wait = encoded.length * 1_000_000_000L / Limits.MAP_NOTE_BYTES_PER_SECOND;
        dueNs = now + Math.max(Limits.MAP_NOTE_NS, wait);
        if (encoded.length > Limits.MAP_NOTE_BYTES_MAX) {
            if (!toldTooLong) {
                toldTooLong = true;
                disk.event(Level.WARN, "map-copy-too-long", "bytes=" + encoded.length);
            }
            return;
        }
        image = encoded;
        checksum = new Crc().of(encoded, 0, encoded.length);
        nextPiece = 0;
        putMore();
    }

    private void putMore() {
        byte[] whole = image;
        if (whole == null || disk.closed() || store.failed()) {
            image = null;
            return;
        }
        int pieces = pieces(whole.length);
        while (nextPiece < pieces) {
            if (!store.hasRoom(PIECE_BYTES)) {
                disk.whenRoom(this::putMore);
                return;
            }
            store.putNote(name(copy, nextPiece), piece(whole, nextPiece, pieces));
            nextPiece++;
        }
        image = null;
        writtenRevision = revision;
        copy = (copy + 1) % COPIES;
    }

    private byte[] piece(byte[] whole, int piece, int pieces) {
        int from = piece * DATA_BYTES;
        int length = Math.min(DATA_BYTES, whole.length - from);
        byte[] to = new byte[HEAD_BYTES + length];
        head(to).putInt(checksum).putInt(piece).putInt(pieces).putInt(0).putLong(revision);
        System.arraycopy(whole, from, to, HEAD_BYTES, length);
        return to;
    }

    private static ByteBuffer head(byte[] piece) {
        return ByteBuffer.wrap(piece).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static int pieces(int bytes) {
        return Math.max(1, (bytes + DATA_BYTES - 1) / DATA_BYTES);
    }

    private static String name(int copy, int piece) {
        return "map-" + (copy == 0 ? 'a' : 'b') + '-' + piece;
    }

    // Reading.

    /// The newest map and catalogue that a disk has a whole copy of, as an update from revision 0;
    /// null where it has none.
    public static @Nullable MapUpdate read(ChunkStore store) {
        int copy = newest(store);
        return copy < 0 ? null : read(store, copy);
    }

    /// -1 where there is none.
    private static int newest(ChunkStore store) {
        int newest = -1;
        long highest = -1;
        for (int copy = 0; copy < COPIES; copy++) {
            MapUpdate update = read(store, copy);
            if (update != null && update.revision() > highest) {
                newest = copy;
                highest = update.revision();
            }
        }
        return newest;
    }

    private static @Nullable MapUpdate read(ChunkStore store, int copy) {
        byte[] first = store.note(name(copy, 0));
        if (first == null || first.length < HEAD_BYTES) {
            return null;
        }
        ByteBuffer head = head(first);
        int pieces = head.getInt(8);
        if (pieces < 1 || pieces > pieces(Limits.MAP_NOTE_BYTES_MAX)) {
            return null;
        }
        byte[] whole = new byte[0];
        for (int n = 0; n < pieces; n++) {
            byte[] piece = store.note(name(copy, n));
            boolean fits =
                    piece != null
                            && piece.length >= HEAD_BYTES
                            && piece.length <= PIECE_BYTES
                            && head(piece).getInt(4) == n
                            && Arrays.equals(piece, 8, HEAD_BYTES, first, 8, HEAD_BYTES);
            if (!fits || piece == null) {
                return null;
            }
            int length = piece.length - HEAD_BYTES;
            if (n == 0) {
                whole = new byte[pieces * DATA_BYTES];
            }
            Check.that(n * DATA_BYTES + length <= whole.length, "a piece", n, length);
            System.arraycopy(piece, HEAD_BYTES, whole, n * DATA_BYTES, length);
            if (n == pieces - 1) {
                whole = Arrays.copyOf(whole, n * DATA_BYTES + length);
            } else if (length != DATA_BYTES) {
                return null;
            }
        }
        boolean right = new Crc().of(whole, 0, whole.length) == head.getInt(0);
        return right ? MapImage.decode(whole) : null;
    }
}
