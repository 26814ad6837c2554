package comet.io.net;

import java.io.IOException;
import java.net.ConnectException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;

/// The file of a unix socket: it stays behind when its process is killed.
public final class SocketFile {
    private SocketFile() {}

    /// Makes room for a socket at `path`: removes one that nobody listens on any more. One that
    /// answers, or a file that is no socket, is left alone and refused.
    ///
    /// @throws IOException with words for people
    public static void clear(Path path) throws IOException {
        if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        BasicFileAttributes attributes =
                Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
        if (!attributes.isOther()) {
            throw new IOException("cannot listen on unix:" + path + ": a file is there");
        }
        if (answers(path)) {
            throw new IOException(
                    "cannot listen on unix:" + path + ": another process listens there");
        }
        Files.deleteIfExists(path);
    }

    /// Only the process's own user and group may connect.
    public static void protect(Path path) throws IOException {
        Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-rw----"));
    }

    /// Removes the file of a socket that was closed.
    public static void delete(Path path) {
        try {
            Files.deleteIfExists(path);
        } catch (IOException e) {
            // It is stale now, and removed by the next start.
            return;
        }
    }

    /// Only a refused connection says that nobody listens. A process that is too busy to accept
    /// one, or that we may not reach, is there; it must not be waited for either.
    private static boolean answers(Path path) throws IOException {
        try (SocketChannel probe = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            probe.configureBlocking(false);
            probe.connect(UnixDomainSocketAddress.of(path));
            return true;
        } catch (ConnectException nobodyThere) {
            return false;
        } catch (IOException e) {
            throw new IOException(
                    "cannot listen on unix:%s: another process listens there (%s)"
                            .formatted(path, e.getMessage()),
                    e);
        }
    }
}
