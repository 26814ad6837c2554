package comet.index;

import comet.base.BufPool;
import comet.base.Crc;
import comet.port.Index.Rows;
import comet.port.Loop;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/// Tells the rows of a range in order, a turn of the loop at a time, and reads the values ahead
/// that do not lie in leaves.
final class Scan {
    private static final int AHEAD = 64;
    private static final int ROWS_PER_TURN = 256;

    /// A row on its way; in order in [#rows].
    private static final class Row {
        final byte[] key;
        byte @Nullable [] value;
        int errno;

        Row(byte[] key) {
            this.key = key;
        }
    }

    /// A branch and the child that comes next.
    private static final class Place {
        final Branch branch;
        int next;

        Place(Branch branch, int next) {
            this.branch = branch;
            this.next = next;
        }
    }

    private final IndexFiles files;
    private final BufPool pool;
    private final Crc crcs;
    private final Loop loop;
    private final byte[] from;
    private final byte[] to;
    private final Rows told;
    private final IntConsumer ended;
    private final List<Place> path = new ArrayList<>();
    private final LeafReader reader = new LeafReader();
    private final ArrayDeque<Row> rows = new ArrayDeque<>();
    private boolean inLeaf;
    private boolean exhausted;
    private boolean over;
    private boolean planned;
    private int readsUnderWay;
    private int result;

    /// @param ended told 0 or a negated error, once nothing is under way any more
    Scan(
            IndexFiles files,
            BufPool pool,
            Crc crcs,
            Loop loop,
            byte[] from,
            byte[] to,
            Rows told,
            IntConsumer ended) {
        this.files = files;
        this.pool = pool;
        this.crcs = crcs;
        this.loop = loop;
        this.from = from;
        this.to = to;
        this.told = told;
        this.ended = ended;
    }

    void start(@Nullable Node root) {
        Node node = root;
        while (node instanceof Branch branch) {
            int child = branch.childFor(from);
            path.add(new Place(branch, child + 1));
            node = branch.child(child);
        }
        if (node instanceof Leaf leaf) {
            reader.start(leaf);
            inLeaf = true;
        }
        plan();
    }

    private void plan() {
        if (!planned) {
            planned = true;
            loop.schedule(0, this::turn);
        }
    }

    private void turn() {
        planned = false;
        int work = ROWS_PER_TURN;
        while (work-- > 0 && !over) {
            while (!exhausted && rows.size() < AHEAD && work-- > 0) {
                readNext();
            }
            Row row = rows.peekFirst();
            if (row == null) {
                over |= exhausted;
            } else if (row.value == null && row.errno == 0) {
                // Its read plans the next turn.
                return;
            } else {
                tell(rows.removeFirst());
            }
        }
        if (!over) {
            plan();
        } else if (readsUnderWay == 0) {
            ended.accept(result);
        }
    }

    private void tell(Row row) {
        byte[] value = row.value;
        if (value == null) {
            result = -row.errno;
            over = true;
        } else {
            over = !told.row(row.key, value);
        }
    }

    private void readNext() {
        while (!reader.next()) {
            if (!nextLeaf()) {
                exhausted = true;
                return;
            }
        }
        if (Arrays.compareUnsigned(reader.key, 0, reader.keyBytes, from, 0, from.length) < 0) {
            return;
        }
        if (Arrays.compareUnsigned(reader.key, 0, reader.keyBytes, to, 0, to.length) >= 0) {
            exhausted = true;
            return;
        }
        Row row = new Row(Arrays.copyOf(reader.key, reader.keyBytes));
        rows.addLast(row);
        if (reader.refCount() == 0) {
            row.value =
                    Arrays.copyOfRange(
                            reader.leaf, reader.payloadAt, reader.payloadAt + reader.valueBytes);
            return;
        }
        readsUnderWay++;
        ValueRead.start(
                files,
                pool,
                crcs,
                reader.leaf,
                reader.payloadAt,
                reader.valueBytes,
                (value, errno) -> {
                    readsUnderWay--;
                    row.value = value;
                    row.errno = errno;
                    plan();
                });
    }

    private boolean nextLeaf() {
        if (!inLeaf) {
            return false;
        }
        while (!path.isEmpty()) {
            Place place = path.getLast();
            if (place.next == place.branch.count()) {
                path.removeLast();
                continue;
            }
            Node node = place.branch.child(place.next++);
            if (node instanceof Branch branch) {
                path.add(new Place(branch, 0));
            } else if (node instanceof Leaf leaf) {
                reader.start(leaf);
                return true;
            }
        }
        return false;
    }
}
