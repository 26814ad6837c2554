package comet.io.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import comet.base.Buf;
import comet.port.Errno;
import comet.port.IoDone;
import comet.port.Media.Access;
import comet.port.Media.MediaException;
import comet.port.MediaFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

@ParameterizedClass
@MethodSource("comet.io.file.Setting#available")
class FileMediaTest extends MediaRig {
    FileMediaTest(Setting setting) {
        super(setting);
    }

    @BeforeEach
    void open() throws MediaException {
        pool = new FilePool("test-file", 3);
        media = FileMedia.open(folder, setting.options(), test.loop, pool);
    }

    @ParameterizedTest
    @EnumSource(Access.class)
    void what_was_written_is_read(Access access) throws IOException {
        MediaFile file = create("segments/000001", 1 << 20, access);
        assertThat(file.sizeBytes()).isEqualTo(1 << 20);
        assertThat(Files.size(folder.resolve("segments/000001"))).isEqualTo(1 << 20);
        Buf source = pattern(16384, 3);
        Buf target = test.loop.call(() -> test.loop.bufs().take(16384));
        assertThat(result(done -> file.write(8192, source, 4096, 8192, done, 1))).isEqualTo(8192);
        assertThat(result(done -> file.sync(done, 2))).isZero();
        assertThat(result(done -> file.writeAndSync(65536, source, 0, 4096, done, 3)))
                .isEqualTo(4096);
        assertThat(result(done -> file.read(8192, target, 0, 8192, done, 4))).isEqualTo(8192);
        assertThat(target.bytes().slice(0, 8192)).isEqualTo(source.bytes().slice(4096, 8192));
        assertThat(result(done -> file.read(65536, target, 4096, 4096, done, 5))).isEqualTo(4096);
        assertThat(target.bytes().slice(4096, 4096)).isEqualTo(source.bytes().slice(0, 4096));
        assertThat(result(done -> file.read(0, target, 0, 8192, done, 6))).isEqualTo(8192);
        assertThat(target.bytes().getLong(0)).isZero();
        test.on(file::close);

        MediaFile again = opened(done -> media.open("segments/000001", access, done));
        assertThat(result(done -> again.read(8192, target, 0, 4096, done, 7))).isEqualTo(4096);
        assertThat(target.bytes().slice(0, 4096)).isEqualTo(source.bytes().slice(4096, 4096));
        test.on(again::close);
    }

    @ParameterizedTest
    @EnumSource(Access.class)
    void reads_are_short_only_at_the_end(Access access) {
        MediaFile file = create("f", 64 << 10, access);
        Buf target = test.loop.call(() -> test.loop.bufs().take(128 << 10));
        assertThat(result(done -> file.read(60 << 10, target, 0, 8192, done, 1))).isEqualTo(4096);
        assertThat(result(done -> file.read(64 << 10, target, 0, 8192, done, 2))).isZero();
        assertThat(result(done -> file.read(0, target, 0, 128 << 10, done, 3))).isEqualTo(64 << 10);
        test.on(file::close);
    }

    @Test
    void answers_come_later_and_each_once() {
        MediaFile file = create("f", 1 << 20, Access.CACHED);
        Buf buf = pattern(4096, 1);
        List<Long> tokens = new ArrayList<>();
        test.on(() -> {
            for (int i = 0; i < 300; i++) {
                IoDone done = (token, _) -> tokens.add(token);
                switch (i % 3) {
                    case 0 -> file.write(4096L * (i % 256), buf, 0, 4096, done, i);
                    case 1 -> file.read(4096L * (i % 256), buf, 0, 4096, done, i);
                    default -> file.sync(done, i);
                }
                assertThat(tokens).isEmpty();
            }
            // Closing waits for them.
            file.close();
        });
        test.until("all are answered", () -> tokens.size() == 300);
        assertThat(tokens).doesNotHaveDuplicates();
    }

    @ParameterizedTest
    @EnumSource(Access.class)
    void more_than_the_kernel_takes_at_a_time_waits(Access access) {
        MediaFile file = create("f", 1 << 20, access);
        Buf buf = pattern(4096, 1);
        int[] ended = {0};
        test.on(() -> {
            for (int i = 0; i < 3000; i++) {
                file.write(4096L * (i % 256), buf, 0, 4096, (_, result) -> ended[0] += result, i);
            }
            file.close();
        });
        test.until("all are written", () -> ended[0] == 3000 * 4096);
    }

    @Test
    void what_the_page_cache_holds_is_read_without_a_thread() {
        MediaFile file = create("f", 1 << 20, Access.CACHED);
        Buf buf = pattern(4096, 1);
        assertThat(result(done -> file.write(4096, buf, 0, 4096, done, 1))).isEqualTo(4096);
        // No thread is left to hand it to.
        pool.close();
        assertThat(result(done -> file.read(4096, buf, 0, 4096, done, 2))).isEqualTo(4096);
        pool = new FilePool("test-file", 1);
    }

    @Test
    void space_is_allocated_and_a_full_device_says_so() {
        MediaFile file = create("f", 8 << 20, Access.DIRECT);
        test.on(file::close);
        assertThat(blocks(folder.resolve("f"))).isGreaterThanOrEqualTo(8 << 20);
        assertThat(errno(done -> media.create("huge", 1L << 50, Access.DIRECT, done)))
                .isIn(Errno.ENOSPC, 27 /* EFBIG: beyond what the file system addresses */);
        assertThat(folder.resolve("huge")).doesNotExist();
    }

    /// So a process that is killed in the middle leaves no short file.
    @Test
    void a_file_has_its_name_only_when_it_is_whole() throws IOException, MediaException {
        AtomicInteger made = new AtomicInteger();
        Posix watching =
                new Posix() {
                    @Override
                    int fallocate(int fd, long bytes) {
                        assertThat(folder.resolve("segments")).isEmptyDirectory();
                        int result = super.fallocate(fd, bytes);
                        assertThat(folder.resolve("segments")).isEmptyDirectory();
                        made.incrementAndGet();
                        return result;
                    }
                };
        pool.close();
        media.close();
        pool = new FilePool("test-file", 1, () -> watching);
        media = FileMedia.open(folder, setting.options(), test.loop, pool);
        test.on(create("segments/1", 1 << 20, Access.DIRECT)::close);
        assertThat(made.get()).isEqualTo(1);
        assertThat(Files.size(folder.resolve("segments/1"))).isEqualTo(1 << 20);
        var permissions = Files.getPosixFilePermissions(folder.resolve("segments/1"));
        assertThat(permissions).doesNotContain(PosixFilePermission.OTHERS_READ);
    }

    @Test
    void names_that_exist_and_that_do_not() {
        test.on(create("a", 4096, Access.CACHED)::close);
        assertThat(errno(done -> media.create("a", 4096, Access.CACHED, done)))
                .isEqualTo(Errno.EINVAL);
        assertThat(errno(done -> media.open("b", Access.CACHED, done))).isEqualTo(Errno.ENOENT);
        assertThat(result(done -> media.delete("a", done, 1))).isZero();
        assertThat(result(done -> media.delete("a", done, 2))).isZero();
        assertThat(folder.resolve("a")).doesNotExist();
        test.on(create("segments/2", 4096, Access.CACHED)::close);
        test.on(create("segments/1", 4096, Access.CACHED)::close);
        assertThat(media.list("segments")).containsExactly("1", "2");
        assertThat(media.list("nothing")).isEmpty();
    }

    @Test
    void small_files_are_replaced_whole() throws MediaException {
        assertThat(media.readSmall("disk.json")).isNull();
        media.writeSmall("disk.json", bytes("one"));
        media.writeSmall("disk.json", bytes("two"));
        assertThat(media.readSmall("disk.json")).isEqualTo(bytes("two"));
        assertThat(media.list("")).containsExactly("disk.json", "lock");
    }

    @Test
    void a_folder_has_one_owner() {
        assertThatThrownBy(() -> FileMedia.open(folder, setting.options(), test.loop, pool))
                .isInstanceOf(MediaException.class)
                .hasMessageContaining(folder.toString())
                .hasMessageContaining("in use by process " + ProcessHandle.current().pid());
    }

    @Test
    void a_missing_folder_and_a_foreign_file_system_are_refused() {
        assertThatThrownBy(() ->
                        FileMedia.open(folder.resolve("x"), setting.options(), test.loop, pool))
                .isInstanceOf(MediaException.class)
                .hasMessageContaining("is its device mounted?");
        Path shared = Path.of("/dev/shm");
        Assumptions.assumeTrue(Files.isDirectory(shared));
        assertThatThrownBy(() -> FileMedia.open(shared, FileMedia.Options.DEFAULT, test.loop, pool))
                .isInstanceOf(MediaException.class)
                .hasMessageContaining("ext4 or XFS");
    }

    @Test
    void the_journal_may_lie_elsewhere(@TempDir Path fast) throws MediaException {
        media.close();
        FileMedia.Options options = new FileMedia.Options(fast, setting.files, true);
        media = FileMedia.open(folder, options, test.loop, pool);
        test.on(create("journal", 1 << 20, Access.DIRECT)::close);
        assertThat(fast.resolve("journal")).exists();
        assertThat(folder.resolve("journal")).doesNotExist();
        Path other = folder.resolve("other");
        FileMedia.makeFolder(other);
        assertThatThrownBy(() -> FileMedia.open(other, options, test.loop, pool))
                .isInstanceOf(MediaException.class)
                .hasMessageContaining(fast.toString());
        // What was taken before the refusal is given back.
        FileMedia.open(other, setting.options(), test.loop, pool).close();
    }

    private int errno(Consumer<comet.port.Media.Opened> start) {
        int[] answer = {0};
        test.done(
                "answered",
                done ->
                        start.accept((file, errno) -> {
                            assertThat(file).isNull();
                            answer[0] = errno;
                            done.run();
                        }));
        return answer[0];
    }

    private int result(Consumer<IoDone> start) {
        int[] answer = {0};
        test.done(
                "answered",
                done ->
                        start.accept((_, result) -> {
                            answer[0] = result;
                            done.run();
                        }));
        return answer[0];
    }

    private Buf pattern(int bytes, int seed) {
        return test.loop.call(() -> {
            Buf buf = test.loop.bufs().take(bytes);
            for (int i = 0; i < bytes; i++) {
                buf.bytes().put(i, (byte) (i * 7 + seed + i / 4096));
            }
            return buf;
        });
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /// Bytes allocated for a file.
    private static long blocks(Path path) {
        try {
            Process stat = new ProcessBuilder("stat", "-c", "%b %B", path.toString()).start();
            String[] words =
                    new String(stat.getInputStream().readAllBytes(), StandardCharsets.US_ASCII)
                            .strip()
                            .split(" ", -1);
            return Long.parseLong(words[0]) * Long.parseLong(words[1]);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }
}
