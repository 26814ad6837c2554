package comet.io.index;

import static org.assertj.core.api.Assertions.assertThat;

import comet.io.file.FilePool;
import comet.io.testing.TestLoop;
import comet.port.Index.Change;
import comet.port.Index.Rows;
import comet.port.Media.MediaException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RocksIndexTest {
    @TempDir Path folder;
    private TestLoop test;
    private FilePool pool;

    @BeforeEach
    void start() {
        test = new TestLoop();
        pool = new FilePool("test-file", 2);
    }

    @AfterEach
    void stop() {
        pool.close();
        test.close();
    }

    @Test
    void commits_are_there_after_reopening() throws MediaException {
        RocksIndex index = open();
        commit(index, List.of(put(1, 10), put(2, 20), put(3, 30)));
        commit(index, List.of(put(2, 21), delete(3)));
        assertThat(get(index, 2)).isEqualTo(value(21));
        assertThat(get(index, 3)).isNull();
        index.close();

        RocksIndex again = open();
        assertThat(get(again, 1)).isEqualTo(value(10));
        assertThat(get(again, 2)).isEqualTo(value(21));
        assertThat(get(again, 3)).isNull();
        assertThat(get(again, 4)).isNull();
        again.close();
    }

    @Test
    void scans_are_in_order_of_unsigned_bytes() throws MediaException {
        RocksIndex index = open();
        List<Change> changes = new ArrayList<>();
        for (long key : new long[] {-1, 5, 1, Long.MIN_VALUE, 3, Long.MAX_VALUE}) {
            changes.add(put(key, key));
        }
        commit(index, changes);
        List<Long> keys = new ArrayList<>();
        scan(
                index,
                (key, row) -> {
                    assertThat(row).isEqualTo(value(ByteBuffer.wrap(key).getLong()));
                    return keys.add(ByteBuffer.wrap(key).getLong());
                });
        assertThat(keys).containsExactly(1L, 3L, 5L, Long.MAX_VALUE, Long.MIN_VALUE);
        keys.clear();
        scan(
                index,
                (key, _) -> {
                    keys.add(ByteBuffer.wrap(key).getLong());
                    return false;
                });
        assertThat(keys).containsExactly(1L);
        index.close();
    }

    /// Rows that no cache holds are read by a file thread; all answers come later.
    @Test
    void rows_beyond_the_caches_are_found() throws MediaException {
        RocksIndex index = open();
        for (int round = 0; round < 10; round++) {
            List<Change> changes = new ArrayList<>();
            for (int i = 0; i < 300; i++) {
                changes.add(put(round * 1000L + i, i));
            }
            commit(index, changes);
        }
        index.close();
        RocksIndex again = open();
        int[] answers = {0};
        test.on(() -> {
            for (int i = 0; i < 3000; i++) {
                int of = i % 300;
                again.get(
                        key(i / 300 * 1000L + of),
                        (row, errno) -> {
                            assertThat(errno).isZero();
                            assertThat(row).isEqualTo(value(of));
                            answers[0]++;
                        });
            }
            assertThat(answers[0]).isZero();
        });
        test.until("all are answered", () -> answers[0] == 3000);
        again.close();
    }

    @Test
    void reads_under_way_end_before_the_close() throws MediaException {
        RocksIndex index = open();
        for (int round = 0; round < 4; round++) {
            List<Change> changes = new ArrayList<>();
            for (int i = 0; i < 300; i++) {
                changes.add(put(round * 1000L + i, i));
            }
            commit(index, changes);
        }
        index.close();
        RocksIndex again = open();
        int[] answers = {0};
        test.on(() -> {
            for (int i = 0; i < 300; i++) {
                int of = i;
                again.get(
                        key(i),
                        (row, errno) -> {
                            assertThat(row).isEqualTo(value(of));
                            answers[0]++;
                        });
            }
            again.close();
        });
        test.until("all are answered", () -> answers[0] == 300);
    }

    /// A flipped bit anywhere in the tables is found out: by the open, by a scan or by a read; no
    /// row is ever wrong.
    @Test
    void rot_is_found_out() throws IOException, MediaException {
        RocksIndex index = open();
        List<Change> changes = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
            changes.add(put(i, i));
        }
        commit(index, changes);
        index.close();
        Path table;
        try (Stream<Path> files = Files.list(folder.resolve("index"))) {
            table =
                    files.filter(path -> path.toString().endsWith(".sst"))
                            .findFirst()
                            .orElseThrow();
        }
        byte[] good = Files.readAllBytes(table);
        int found = 0;
        for (int n = 0; n < 20; n++) {
            byte[] bad = good.clone();
            bad[good.length / 20 * n] ^= 16;
            Files.write(table, bad);
            found += rotIsFound() ? 1 : 0;
        }
        assertThat(found).isGreaterThan(15);
    }

    private boolean rotIsFound() {
        RocksIndex rotten;
        try {
            rotten = open();
        } catch (MediaException e) {
            return true;
        }
        int[] rows = {0};
        int[] result = new int[1];
        test.done(
                "scanned",
                done ->
                        rotten.scan(
                                key(0),
                                key(200),
                                (key, row) -> {
                                    long of = ByteBuffer.wrap(key).getLong();
                                    assertThat(row).isEqualTo(value(of));
                                    return ++rows[0] > 0;
                                },
                                (_, ended) -> {
                                    result[0] = ended;
                                    done.run();
                                },
                                0));
        boolean found = result[0] != 0;
        if (!found) {
            assertThat(rows[0]).isEqualTo(200);
        }
        rotten.close();
        return found;
    }

    /// A process commits and is killed: what it had said was committed is there, each commit whole.
    @Test
    void a_killed_process_leaves_its_commits() throws IOException, InterruptedException {
        Process child =
                new ProcessBuilder(
                                ProcessHandle.current().info().command().orElseThrow(),
                                "-cp",
                                System.getProperty("java.class.path"),
                                "--enable-native-access=ALL-UNNAMED",
                                "--sun-misc-unsafe-memory-access=allow",
                                Committer.class.getName(),
                                folder.toString())
                        .redirectError(ProcessBuilder.Redirect.DISCARD)
                        .start();
        long committed = 0;
        try (BufferedReader lines =
                new BufferedReader(
                        new InputStreamReader(child.getInputStream(), StandardCharsets.US_ASCII))) {
            String line = lines.readLine();
            while (line != null && committed < 20) {
                committed = Long.parseLong(line);
                line = lines.readLine();
            }
        } finally {
            child.destroyForcibly();
            child.waitFor();
        }
        assertThat(committed).isEqualTo(20);
        try {
            RocksIndex index = open();
            byte[] last = get(index, 0);
            assertThat(last).isNotNull();
            long round = ByteBuffer.wrap(last).getLong();
            assertThat(round).isGreaterThanOrEqualTo(committed);
            for (int key = 0; key < Committer.ROWS; key++) {
                assertThat(get(index, key)).as("row %d", key).isEqualTo(value(round));
            }
            index.close();
        } catch (MediaException e) {
            throw new AssertionError(e);
        }
    }

    private RocksIndex open() throws MediaException {
        return RocksIndex.open(
                folder.resolve("index"), test.loop, pool, new IndexMemory(1 << 20, 1 << 20));
    }

    private void commit(RocksIndex index, List<Change> changes) {
        test.done(
                "committed",
                done ->
                        index.commit(
                                changes,
                                (token, result) -> {
                                    assertThat(token).isEqualTo(7);
                                    assertThat(result).isZero();
                                    done.run();
                                },
                                7));
    }

    private void scan(RocksIndex index, Rows rows) {
        test.done(
                "scanned",
                done ->
                        index.scan(
                                key(1),
                                key(-1),
                                rows,
                                (_, result) -> {
                                    assertThat(result).isZero();
                                    done.run();
                                },
                                0));
    }

    private byte @Nullable [] get(RocksIndex index, long key) {
        AtomicReference<byte @Nullable []> found = new AtomicReference<>();
        test.done(
                "read",
                done ->
                        index.get(
                                key(key),
                                (row, errno) -> {
                                    assertThat(errno).isZero();
                                    found.set(row);
                                    done.run();
                                }));
        return found.get();
    }

    static Change put(long key, long value) {
        return new Change(key(key), value(value));
    }

    private static Change delete(long key) {
        return new Change(key(key), null);
    }

    static byte[] key(long key) {
        return ByteBuffer.allocate(8).putLong(key).array();
    }

    /// A row of a size that fills the small caches of these tests soon.
    static byte[] value(long value) {
        return ByteBuffer.allocate(1000).putLong(value).putLong(992, value).array();
    }
}
