package comet.server.up;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A process that somebody has started in the place of one that ended is told by its config.
class ChildrenTest {
    @TempDir Path folder;

    private boolean isStartedWith(Path config, String word) throws Exception {
        // Waits for its input, which never comes.
        Process process =
                new ProcessBuilder("sh", "-c", "read line", "sh", word)
                        .directory(folder.resolve("here").toFile())
                        .start();
        try {
            // Between fork and exec its command line is still ours.
            Path line = Path.of("/proc/" + process.pid() + "/cmdline");
            while (!Files.readString(line).startsWith("sh")) {
                Thread.onSpinWait();
            }
            return Children.isStartedWith(process.pid(), config);
        } finally {
            process.destroyForcibly().waitFor();
        }
    }

    @Test
    void by_whichever_path_it_was_named() throws Exception {
        Path real = folder.toRealPath();
        Files.createDirectory(folder.resolve("here"));
        Path config = real.resolve("node-1/node.conf");
        for (String word :
                new String[] {
                    "../node-1/node.conf", "--config=../node-1/node.conf", config.toString()
                }) {
            assertThat(isStartedWith(config, word)).as(word).isTrue();
        }
        assertThat(isStartedWith(config, "node-1/node.conf")).isFalse();
    }

    @Test
    void nobody_is_mistaken_for_it() {
        assertThatThrownBy(() -> Children.isStartedWith(Long.MAX_VALUE, folder))
                .isInstanceOf(IOException.class);
    }
}
