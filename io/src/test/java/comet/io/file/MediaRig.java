package comet.io.file;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import comet.io.testing.TestLoop;
import comet.port.Media.Access;
import comet.port.Media.Opened;
import comet.port.MediaFile;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.io.TempDir;

/// A folder, and the loop on which a test opens it: the test sets the pool and the media.
abstract class MediaRig {
    final Setting setting;
    final TestLoop test;
    @TempDir Path folder;
    FilePool pool;
    FileMedia media;

    MediaRig(Setting setting) {
        this.setting = setting;
        test = new TestLoop(setting.transport);
    }

    @AfterEach
    void close() {
        pool.close();
        media.close();
        test.close();
    }

    MediaFile create(String name, long bytes, Access access) {
        return opened(done -> media.create(name, bytes, access, done));
    }

    MediaFile opened(Consumer<Opened> start) {
        AtomicReference<@Nullable MediaFile> opened = new AtomicReference<>();
        test.done(
                "opened",
                done ->
                        start.accept((file, errno) -> {
                            assertThat(errno).isZero();
                            opened.set(file);
                            done.run();
                        }));
        return requireNonNull(opened.get(), "no file");
    }
}
