package comet.server.raft;

import comet.io.file.SmallFile;
import comet.meta.GroupImage;
import comet.server.json.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.UUID;

/// What a member of a metadata group that was made anew begins with, instead of nothing: the state,
/// and the id of the new group, so that nobody of the lost one can speak to it. Every member is
/// given the same. A new group holds it as its first snapshot, so a member that comes later gets it
/// from the others.
public final class FirstState {
    /// In the member's folder.
    static final String FILE = "first-state";

    private FirstState() {}

    /// Whether a member lives in that folder, or did.
    public static boolean isUsed(Path folder) {
        return !MemberFolder.isNew(folder);
    }

    /// Durable on return. A member that is started finds all of it, or is refused.
    public static void write(Path folder, UUID groupId, GroupImage image) throws IOException {
        SmallFile.makeFolder(folder);
        SnapshotFile.write(folder.resolve(FILE), image, new Json());
        var _ = MemberFolder.groupId(folder, () -> groupId);
    }

    static boolean isHalfWritten(Path folder) {
        return Files.exists(folder.resolve(FILE)) && !isUsed(folder);
    }
}
