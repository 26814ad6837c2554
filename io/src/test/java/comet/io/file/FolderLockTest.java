package comet.io.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import comet.port.Media.MediaException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FolderLockTest {
    private static final long DEADLINE_S = 60;

    @TempDir Path folder;

    /// The kernel drops a lock when its process closes any descriptor of the file.
    @Test
    void a_refusal_within_the_process_leaves_the_lock_where_it_is() throws Exception {
        Path taken = Files.createDirectory(folder.resolve("taken"));
        Path link = Files.createSymbolicLink(folder.resolve("link"), taken);
        try (FolderLock _ = FolderLock.take(taken)) {
            for (Path path : new Path[] {taken, folder.resolve("taken/../taken"), link}) {
                assertThatThrownBy(() -> FolderLock.take(path))
                        .isInstanceOf(MediaException.class)
                        .hasMessageContaining("in use by process " + ProcessHandle.current().pid());
            }
            assertThat(otherProcess(taken)).isEqualTo(FolderLockProbe.REFUSED);
            assertThat(otherProcess(link)).isEqualTo(FolderLockProbe.REFUSED);
        }
        assertThat(otherProcess(taken)).isZero();
        FolderLock.take(taken).close();
    }

    @Test
    void a_folder_that_cannot_be_locked_may_be_tried_again() throws Exception {
        Path lock = Files.createDirectory(folder.resolve("lock"));
        assertThatThrownBy(() -> FolderLock.take(folder)).isInstanceOf(MediaException.class);
        Files.delete(lock);
        FolderLock.take(folder).close();
        assertThatThrownBy(() -> FolderLock.take(folder.resolve("missing")))
                .isInstanceOf(MediaException.class)
                .hasMessageContaining("missing");
    }

    private int otherProcess(Path path) throws Exception {
        Process process =
                new ProcessBuilder(
                                Path.of(System.getProperty("java.home"), "bin/java").toString(),
                                "-cp",
                                System.getProperty("java.class.path"),
                                FolderLockProbe.class.getName(),
                                path.toString())
                        .redirectErrorStream(true)
                        .redirectOutput(folder.resolve("output").toFile())
                        .start();
        try {
            assertThat(process.waitFor(DEADLINE_S, TimeUnit.SECONDS)).isTrue();
            return process.exitValue();
        } finally {
            process.destroyForcibly();
        }
    }
}
