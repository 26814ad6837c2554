package comet.io.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SmallFileTest {
    @TempDir Path folder;

    @Test
    void the_content_is_the_one_before_or_the_one_after() throws IOException {
        Path file = folder.resolve("file");
        SmallFile.replace(file, bytes("one"));
        assertThat(file).hasContent("one");
        // Left behind by somebody who died over it, and longer.
        Files.writeString(folder.resolve("file.new"), "something else");
        SmallFile.replace(file, bytes("two"));
        assertThat(file).hasContent("two");
        assertThatThrownBy(() ->
                        SmallFile.replace(
                                file,
                                out -> {
                                    out.write(bytes("thr"));
                                    throw new IOException("no room");
                                }))
                .hasMessage("no room");
        assertThat(file).hasContent("two");
        SmallFile.replace(file, out -> out.write(bytes("four")));
        assertThat(file).hasContent("four");
        assertThat(folder.resolve("file.new")).doesNotExist();
    }

    @Test
    void nobody_else_reads_it_at_any_time() throws IOException {
        Path file = folder.resolve("file");
        Files.writeString(folder.resolve("file.new"), "readable by all");
        var mine = PosixFilePermissions.fromString("rw-------");
        SmallFile.replace(
                file,
                out -> {
                    Path aside = folder.resolve("file.new");
                    assertThat(Files.getPosixFilePermissions(aside)).isEqualTo(mine);
                    out.write(bytes("secret"));
                },
                PosixFilePermissions.asFileAttribute(mine));
        assertThat(Files.getPosixFilePermissions(file)).isEqualTo(mine);
    }

    @Test
    void folders_are_made_with_those_above_them() throws IOException {
        SmallFile.makeFolder(folder.resolve("a/b/c"));
        SmallFile.makeFolder(folder.resolve("a/b/c"));
        assertThat(folder.resolve("a/b/c")).isDirectory();
        Files.writeString(folder.resolve("file"), "");
        assertThatThrownBy(() -> SmallFile.makeFolder(folder.resolve("file/b")))
                .isInstanceOf(IOException.class);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }
}
