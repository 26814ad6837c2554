package comet.server.nbd;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;

/// The file of a unix socket stays behind when its process is killed.
final class UnixSocketFile {
    /// What the kernel's sockaddr_un holds, without the closing zero.
    private static final int PATH_BYTES_MAX = 107;

    private UnixSocketFile() {}

    /// Makes room for a socket at `path`: deletes a socket that nobody listens at.
    static void clear(Path path) throws IOException {
        if (path.toString().getBytes(java.nio.charset.StandardCharsets.UTF_8).length
                > PATH_BYTES_MAX) {
            throw new IOException(
                    "the path of a unix socket may have "
                            + PATH_BYTES_MAX
                            + " bytes at most: "
                            + path);
        }
        if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        if (Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS) || Files.isDirectory(path)) {
            throw new IOException("there is something else where the socket should be: " + path);
        }
        if (answers(path)) {
            throw new IOException("another process listens at " + path);
        }
        Files.delete(path);
    }

    private static boolean answers(Path path) {
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            return channel.connect(UnixDomainSocketAddress.of(path));
        } catch (IOException e) {
            return false;
        }
    }
}
