package comet.io.index;

import static org.assertj.core.api.Assertions.assertThat;

import comet.index.FlatIndex;
import comet.io.file.FileMedia;
import comet.io.file.FilePool;
import comet.io.loop.EventLoop;
import comet.io.testing.TestLoop;
import comet.port.Index.Change;
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
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A disk's index on real files.
class IndexFilesTest {
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

    static FileMedia media(Path folder, EventLoop loop, FilePool pool) throws MediaException {
        return FileMedia.open(
                folder, new FileMedia.Options(null, FileMedia.Way.AUTO, true), loop, pool);
    }

    @Test
    void commits_are_there_after_reopening() throws MediaException {
        try (FileMedia media = media(folder, test.loop, pool)) {
            FlatIndex index = open(media);
            for (int round = 0; round < 5; round++) {
                List<Change> changes = new ArrayList<>();
                for (int key = 0; key < 300; key++) {
                    changes.add(put(key, round));
                }
                commit(index, changes);
            }
            commit(index, List.of(put(2, 21), new Change(key(3), null)));
            close(index);

            FlatIndex again = open(media);
            assertThat(get(again, 1)).isEqualTo(value(4));
            assertThat(get(again, 2)).isEqualTo(value(21));
            assertThat(get(again, 3)).isNull();
            List<Long> keys = new ArrayList<>();
            test.done(
                    "scanned",
                    done ->
                            again.scan(
                                    key(0),
                                    key(1000),
                                    (key, row) -> keys.add(ByteBuffer.wrap(key).getLong()),
                                    (_, result) -> {
                                        assertThat(result).isZero();
                                        done.run();
                                    },
                                    0));
            assertThat(keys).hasSize(299).isSorted();
            close(again);
        }
    }

    @Test
    void an_index_of_an_older_version_is_refused_with_words() throws Exception {
        Files.createDirectories(folder.resolve("index"));
        Files.writeString(folder.resolve("index/CURRENT"), "MANIFEST-000005\n");
        try (FileMedia media = media(folder, test.loop, pool)) {
            assertThat(tryOpen(media, new AtomicReference<>())).contains("older version");
        }
    }

    /// A process commits and is killed: what it had said was committed is there, each commit whole.
    @Test
    void a_killed_process_leaves_its_commits() throws Exception {
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
        long committed = lastLine(child);
        assertThat(committed).isEqualTo(20);
        try (FileMedia media = media(folder, test.loop, pool)) {
            FlatIndex index = open(media);
            byte[] last = get(index, 0);
            assertThat(last).isNotNull();
            long round = last == null ? 0 : ByteBuffer.wrap(last).getLong();
            assertThat(round).isGreaterThanOrEqualTo(committed);
            for (int key = 0; key < Committer.ROWS; key++) {
                assertThat(get(index, key)).as("row %d", key).isEqualTo(value(round));
            }
            close(index);
        }
    }

    private static long lastLine(Process child) throws IOException, InterruptedException {
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
        return committed;
    }

    private @Nullable String tryOpen(FileMedia media, AtomicReference<@Nullable FlatIndex> opened) {
        AtomicReference<@Nullable String> why = new AtomicReference<>();
        test.done(
                "opened",
                done ->
                        FlatIndex.open(
                                media,
                                test.loop,
                                test.loop.bufs(),
                                (index, error) -> {
                                    opened.set(index);
                                    why.set(error);
                                    done.run();
                                }));
        return why.get();
    }

    private FlatIndex open(FileMedia media) {
        AtomicReference<@Nullable FlatIndex> opened = new AtomicReference<>();
        assertThat(tryOpen(media, opened)).isNull();
        return java.util.Objects.requireNonNull(opened.get());
    }

    private void close(FlatIndex index) {
        test.on(index::close);
    }

    private void commit(FlatIndex index, List<Change> changes) {
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

    private byte @Nullable [] get(FlatIndex index, long key) {
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

    static byte[] key(long key) {
        return ByteBuffer.allocate(8).putLong(key).array();
    }

    static byte[] value(long value) {
        return ByteBuffer.allocate(1000).putLong(value).putLong(992, value).array();
    }
}
