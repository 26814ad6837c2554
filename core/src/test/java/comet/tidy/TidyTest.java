package comet.tidy;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/// The repository's own tidiness: sizes of files, nothing left to do, and docs that name what
/// exists.
class TidyTest {
    private static final int LINES_MAX = 600;

    private static final Path ROOT = root();

    @Test
    void no_file_is_too_long_to_read_in_one_sitting() throws IOException {
        List<String> long_ = new ArrayList<>();
        for (Path file : files(".java")) {
            long lines = Files.readAllLines(file).size();
            if (lines > LINES_MAX) {
                long_.add(ROOT.relativize(file) + ": " + lines + " lines");
            }
        }
        assertThat(long_).isEmpty();
    }

    @Test
    void nothing_is_left_to_do_in_the_code() throws IOException {
        Pattern later = Pattern.compile("\\b(TO" + "DO|FIX" + "ME|X" + "XX)\\b");
        List<String> found = new ArrayList<>();
        for (String suffix : List.of(".java", ".sh", ".md", ".conf", ".xml")) {
            for (Path file : files(suffix)) {
                if (later.matcher(Files.readString(file)).find()) {
                    found.add(ROOT.relativize(file).toString());
                }
            }
        }
        assertThat(found).isEmpty();
    }

    /// Links of the docs, and paths between back-quotes that begin with a folder of the project.
    @Test
    void docs_name_files_that_exist() throws IOException {
        Pattern link = Pattern.compile("]\\(([^)#:]+)(#[^)]*)?\\)");
        Pattern path =
                Pattern.compile("`((?:core|io|server|cli|sim|it|bench|docs)/[A-Za-z0-9_./-]+)`");
        List<String> missing = new ArrayList<>();
        for (Path doc : files(".md")) {
            String text = Files.readString(doc);
            for (Matcher m = link.matcher(text); m.find(); ) {
                if (!Files.exists(doc.resolveSibling(m.group(1)))) {
                    missing.add(ROOT.relativize(doc) + " -> " + m.group(1));
                }
            }
            for (Matcher m = path.matcher(text); m.find(); ) {
                if (!Files.exists(ROOT.resolve(m.group(1)))) {
                    missing.add(ROOT.relativize(doc) + " -> " + m.group(1));
                }
            }
        }
        assertThat(missing).isEmpty();
    }

    private static List<Path> files(String suffix) throws IOException {
        try (Stream<Path> all = Files.walk(ROOT)) {
            return all.filter(Files::isRegularFile)
                    .filter(file -> file.toString().endsWith(suffix))
                    .filter(file ->
                            Stream.of("/target/", "/.git/", "/data/")
                                    .noneMatch(file.toString()::contains))
                    .sorted()
                    .toList();
        }
    }

    private static Path root() {
        Path folder = Path.of("").toAbsolutePath();
        while (!Files.exists(folder.resolve("verify"))) {
            folder = folder.getParent();
        }
        return folder;
    }
}
