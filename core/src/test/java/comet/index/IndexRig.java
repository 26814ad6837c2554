package comet.index;

import static org.assertj.core.api.Assertions.assertThat;

import comet.base.BufPool;
import comet.base.Check;
import comet.base.Prng;
import comet.port.Index.Change;
import comet.store.fake.MemMedia;
import comet.store.fake.TestLoop;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// An index on a disk in memory, with a map beside it that says what it should contain.
final class IndexRig {
    static final byte[] LOWEST = {};
    static final byte[] HIGHEST = filled(255, 0xFF);

    final Prng prng;
    TestLoop loop = new TestLoop();
    MemMedia media;
    final BufPool pool = new BufPool(64 << 20);
    TreeMap<byte[], byte[]> model = new TreeMap<>(Arrays::compareUnsigned);
    int pagesPerFile = 64;
    private @Nullable FlatIndex index;

    IndexRig(long seed) {
        this(seed, 1L << 30);
    }

    IndexRig(long seed, long freeBytes) {
        prng = new Prng(seed);
        media = new MemMedia(loop, prng.fork(), freeBytes);
    }

    static byte[] filled(int length, int with) {
        byte[] bytes = new byte[length];
        Arrays.fill(bytes, (byte) with);
        return bytes;
    }

    FlatIndex index() {
        FlatIndex open = index;
        if (open == null) {
            throw Check.failed("not open");
        }
        return open;
    }

    /// Opens it; the error where it is refused, null where it is open or the loop died.
    @Nullable String tryOpen() {
        String[] error = new String[1];
        boolean[] answered = new boolean[1];
        IndexOpen.open(
                media,
                loop,
                pool,
                pagesPerFile,
                (opened, why) -> {
                    index = opened;
                    error[0] = why;
                    answered[0] = true;
                });
        loop.runUntil(() -> answered[0]);
        return error[0];
    }

    IndexRig open() {
        assertThat(tryOpen()).isNull();
        assertThat(index).isNotNull();
        return this;
    }

    IndexRig reopened() {
        index().close();
        loop.runUntil(() -> false);
        return open();
    }

    /// After the machine has stopped.
    void crash(MemMedia.Crash kind) {
        TestLoop next = new TestLoop();
        media = media.crash(next, prng, kind);
        loop = next;
    }

    /// After the process was killed, while the machine goes on.
    void restart() {
        TestLoop next = new TestLoop();
        media = media.restart(next, prng);
        loop = next;
    }

    /// Commits, and waits; 1 where the loop died before the answer.
    int tryCommit(List<Change> changes) {
        int[] result = {1};
        index().commit(changes, (_, answer) -> result[0] = answer, 0);
        loop.runUntil(() -> result[0] <= 0);
        return result[0];
    }

    void commit(List<Change> changes) {
        assertThat(tryCommit(changes)).isZero();
        apply(model, changes);
    }

    static void apply(TreeMap<byte[], byte[]> rows, List<Change> changes) {
        for (Change change : changes) {
            byte[] value = change.value();
            if (value == null) {
                rows.remove(change.key());
            } else {
                rows.put(change.key(), value);
            }
        }
    }

    TreeMap<byte[], byte[]> after(List<Change> changes) {
        TreeMap<byte[], byte[]> rows = new TreeMap<>(model);
        apply(rows, changes);
        return rows;
    }

    /// The value, or null; fails on an error.
    byte @Nullable [] get(byte[] key) {
        byte[][] found = new byte[1][];
        int[] outcome = {-1};
        index().get(
                        key,
                        (value, errno) -> {
                            found[0] = value;
                            outcome[0] = errno;
                        });
        loop.runUntil(() -> outcome[0] >= 0);
        assertThat(outcome[0]).isZero();
        return found[0];
    }

    /// All rows in their order; [#scanResult] has the outcome.
    List<Map.Entry<byte[], byte[]>> scan(byte[] from, byte[] to) {
        List<Map.Entry<byte[], byte[]>> rows = new ArrayList<>();
        boolean[] ended = new boolean[1];
        index().scan(
                        from,
                        to,
                        (key, value) -> rows.add(Map.entry(key, value)),
                        (_, result) -> {
                            scanResult = result;
                            ended[0] = true;
                        },
                        0);
        loop.runUntil(() -> ended[0]);
        return rows;
    }

    int scanResult;

    /// That the index has exactly the model's rows.
    void check() {
        assertThat(differs(model)).isNull();
    }

    /// In what the index differs from these rows; null: in nothing.
    @Nullable String differs(TreeMap<byte[], byte[]> rows) {
        List<Map.Entry<byte[], byte[]>> found = scan(LOWEST, HIGHEST);
        if (scanResult != 0) {
            return "error " + scanResult;
        }
        if (found.size() != rows.size()) {
            return found.size() + " rows instead of " + rows.size();
        }
        int n = 0;
        for (Map.Entry<byte[], byte[]> row : rows.entrySet()) {
            Map.Entry<byte[], byte[]> other = found.get(n++);
            if (!Arrays.equals(row.getKey(), other.getKey())) {
                return "key " + n;
            }
            if (!Arrays.equals(row.getValue(), other.getValue())) {
                return "value " + n;
            }
        }
        return null;
    }

    // Random rows.

    /// Keys that share much, and some of other lengths.
    byte[] key(int of) {
        int n = prng.nextInt(of);
        byte[] key = new byte[n % 7 == 0 ? 3 + n % 250 : 18];
        key[0] = (byte) ('A' + n % 5);
        key[key.length - 1] = (byte) n;
        key[key.length - 2] = (byte) (n >>> 8);
        key[key.length - 3] ^= (byte) (n >>> 16);
        return key;
    }

    byte[] value() {
        int length =
                switch (prng.nextInt(8)) {
                    case 0 -> prng.nextInt(4);
                    case 1, 2, 3 -> prng.nextInt(300);
                    case 4, 5 -> 3088;
                    case 6 -> 4090 + prng.nextInt(12);
                    default -> prng.chance(1, 8) ? 65_536 : prng.nextInt(20_000);
                };
        byte[] value = new byte[length];
        for (int i = 0; i < length; i++) {
            value[i] = (byte) prng.nextLong();
        }
        return value;
    }

    List<Change> changes(int count, int keys, int deletesOf8) {
        List<Change> changes = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            boolean delete = prng.chance(deletesOf8, 8);
            changes.add(new Change(key(keys), delete ? null : value()));
        }
        return changes;
    }
}
