package comet.cluster;

import org.jspecify.annotations.Nullable;

/// A member of the metadata group. Its name is used once: a member that was removed, or lost its
/// folder, never comes back under it.
///
/// @param name unique among all members that the group ever had
/// @param raft `HOST:PORT` where the other members reach it
/// @param control `HOST:PORT` where nodes, gateways and the CLI reach it; empty where they do not
/// @param folder uuid of the folder that holds its log; empty where it is not known
public record GroupMember(String name, String raft, String control, String folder) {
    public GroupMember {
        folder = absent(folder) ? "" : folder;
    }

    private static boolean absent(@Nullable Object field) {
        return field == null;
    }

    public GroupMember withFolder(String newFolder) {
        return new GroupMember(name, raft, control, newFolder);
    }
}
