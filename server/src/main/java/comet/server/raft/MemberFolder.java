package comet.server.raft;

import comet.io.file.SmallFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.UUID;
import java.util.function.Supplier;

/// What a member's folder says of itself, beside the log: the group's id, fixed at the first start,
/// so that addresses may change later, and an id of its own, so that an empty folder in its place
/// is noticed: a member that has forgotten what it voted for and acknowledged must not go on.
public final class MemberFolder {
    private static final String GROUP_FILE = "group-id";
    private static final String FOLDER_FILE = "folder-id";

    private MemberFolder() {}

    /// Whether no member has ever started there.
    public static boolean isNew(Path folder) {
        return !Files.exists(folder.resolve(GROUP_FILE));
    }

    /// Of a folder that is not new.
    public static UUID groupId(Path folder) throws IOException {
        return read(folder.resolve(GROUP_FILE));
    }

    static UUID groupId(Path folder, Supplier<UUID> first) throws IOException {
        return readOrWrite(folder.resolve(GROUP_FILE), first);
    }

    static UUID folderId(Path folder) throws IOException {
        return readOrWrite(folder.resolve(FOLDER_FILE), UUID::randomUUID);
    }

    private static UUID readOrWrite(Path file, Supplier<UUID> first) throws IOException {
        if (!Files.exists(file)) {
            String id = first.get() + "\n";
            SmallFile.replace(file, id.getBytes(StandardCharsets.US_ASCII));
        }
        return read(file);
    }

    private static UUID read(Path file) throws IOException {
        String text = Files.readString(file, StandardCharsets.US_ASCII).strip();
        try {
            return UUID.fromString(text);
        } catch (IllegalArgumentException e) {
            throw new IOException(file + " holds no id: " + text, e);
        }
    }
}
