package comet.io.file;

import comet.port.Media.MediaException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/// Keeps a folder for one process: an advisory lock on its file `lock`, which the kernel takes away
/// when the process ends in whatever way. The file holds the number of the process, for people.
///
/// The kernel also takes the lock away when the process closes any other descriptor of that file
/// (fcntl(2)). So nobody opens it in a process that holds it: [#TAKEN] is asked before.
public final class FolderLock implements AutoCloseable {
    /// What this process holds, by which folder it really is: one folder may have several paths.
    private static final Set<Object> TAKEN = ConcurrentHashMap.newKeySet();

    private final Object key;
    private final FileChannel channel;

    private FolderLock(Object key, FileChannel channel) {
        this.key = key;
        this.channel = channel;
    }

    /// @throws MediaException where another process (or another part of this one) has the folder
    public static FolderLock take(Path folder) throws MediaException {
        Object key = null;
        boolean taken = false;
        try {
            Object wanted = key(folder);
            if (!TAKEN.add(wanted)) {
                String by = ProcessHandle.current().pid() + ", this one";
                throw new MediaException("the folder " + folder + " is in use by process " + by);
            }
            key = wanted;
            FolderLock lock = new FolderLock(key, lock(folder));
            taken = true;
            return lock;
        } catch (IOException e) {
            throw new MediaException(
                    "cannot write in " + folder + ": " + e + ": is it mounted read-only?");
        } finally {
            if (key != null && !taken) {
                TAKEN.remove(key);
            }
        }
    }

    private static Object key(Path folder) throws IOException {
        Object key = Files.readAttributes(folder, BasicFileAttributes.class).fileKey();
        return key == null ? folder.toRealPath() : key;
    }

    private static FileChannel lock(Path folder) throws IOException, MediaException {
        Path file = folder.resolve("lock");
        FileChannel channel =
                FileChannel.open(
                        file,
                        StandardOpenOption.CREATE,
                        StandardOpenOption.READ,
                        StandardOpenOption.WRITE);
        boolean locked = false;
        try {
            if (channel.tryLock() == null) {
                throw inUse(folder, file);
            }
            channel.truncate(0);
            byte[] pid = (ProcessHandle.current().pid() + "\n").getBytes(StandardCharsets.US_ASCII);
            channel.write(ByteBuffer.wrap(pid));
            locked = true;
            return channel;
        } finally {
            if (!locked) {
                closeQuietly(channel);
            }
        }
    }

    @Override
    public void close() {
        if (channel.isOpen()) {
            closeQuietly(channel);
            TAKEN.remove(key);
        }
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
