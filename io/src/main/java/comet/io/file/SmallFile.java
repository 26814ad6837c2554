package comet.io.file;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.util.Set;

/// Files that are written whole and survive the loss of power: whoever reads one finds the content
/// before or the content after, never a part and never nothing. Blocking.
public final class SmallFile {
    /// Writes the content, from the first byte to the last.
    public interface Content {
        void writeTo(OutputStream out) throws IOException;
    }

    private static final Set<StandardOpenOption> ANEW =
            Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);

    private SmallFile() {}

    /// Makes the file or takes the place of the one that is there; durable on return.
    ///
    /// @param attributes of the file, such as who may read it
    public static void replace(Path file, byte[] content, FileAttribute<?>... attributes)
            throws IOException {
        replace(file, out -> out.write(content), attributes);
    }

    public static void replace(Path file, Content content, FileAttribute<?>... attributes)
            throws IOException {
        Path aside = file.resolveSibling(file.getFileName() + ".new");
        // Somebody may have died over it.
        Files.deleteIfExists(aside);
        try (FileChannel channel = FileChannel.open(aside, ANEW, attributes)) {
            OutputStream out = Channels.newOutputStream(channel);
            content.writeTo(out);
            out.flush();
            channel.force(true);
        }
        Files.move(aside, file, StandardCopyOption.ATOMIC_MOVE);
        syncFolder(parent(file));
    }

    /// Makes a folder and those above it, where they are missing; what was made is durable on
    /// return.
    public static void makeFolder(Path folder) throws IOException {
        Path whole = folder.toAbsolutePath().normalize();
        if (Files.isDirectory(whole)) {
            return;
        }
        Path above = parent(whole);
        if (!above.equals(whole)) {
            makeFolder(above);
        }
        // Somebody else may make it at the same time.
        Files.createDirectories(whole);
        syncFolder(above);
    }

    /// Makes the names in a folder durable.
    static void syncFolder(Path folder) throws IOException {
        try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    /// The folder in which a file lies; of the root itself.
    static Path parent(Path path) {
        Path whole = path.toAbsolutePath();
        Path parent = whole.getParent();
        return parent == null ? whole : parent;
    }
}
