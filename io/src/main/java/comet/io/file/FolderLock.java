package comet.io.file;

import comet.port.Media.MediaException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/// Keeps a folder for one process: an advisory lock on its file `lock`, which the kernel takes away
/// when the process ends in whatever way. The file holds the number of the process, for people.
public final class FolderLock implements AutoCloseable {
    private final FileChannel channel;

    private FolderLock(FileChannel channel) {
        this.channel = channel;
    }

    /// @throws MediaException where another process (or another part of this one) has the folder
    public static FolderLock take(Path folder) throws MediaException {
        Path file = folder.resolve("lock");
        FileChannel channel = null;
        boolean taken = false;
        try {
            channel =
                    FileChannel.open(
                            file,
                            StandardOpenOption.CREATE,
                            StandardOpenOption.READ,
                            StandardOpenOption.WRITE);
            FileLock lock = channel.tryLock();
            if (lock == null) {
                throw inUse(folder, file);
            }
            channel.truncate(0);
            byte[] pid = (ProcessHandle.current().pid() + "\n").getBytes(StandardCharsets.US_ASCII);
            channel.write(ByteBuffer.wrap(pid));
            taken = true;
            return new FolderLock(channel);
        } catch (OverlappingFileLockException e) {
            throw inUse(folder, file);
        } catch (IOException e) {
            throw new MediaException(
                    "cannot write in " + folder + ": " + e + ": is it mounted read-only?");
        } finally {
            if (channel != null && !taken) {
                closeQuietly(channel);
            }
        }
    }

    @Override
    public void close() {
        closeQuietly(channel);
    }

    private static MediaException inUse(Path folder, Path file) {
        String by;
        try {
            by = " " + Files.readString(file).strip();
        } catch (IOException e) {
            by = "";
        }
        return new MediaException(
                "the folder " + folder + " is in use by process" + by + ": stop that one first");
    }

    private static void closeQuietly(FileChannel channel) {
        try {
            channel.close();
        } catch (IOException e) {
            // The lock goes with the descriptor, whatever close says.
            return;
        }
    }
}
