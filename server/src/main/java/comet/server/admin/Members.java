package comet.server.admin;

import comet.cluster.ClusterMap;
import comet.cluster.GroupMember;
import comet.cluster.NodeInfo;
import comet.server.raft.MemberSeen;
import comet.server.raft.MetaMembers;
import comet.server.raft.MetaStatus;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Who belongs to the metadata group, and how that is changed, as the API offers it.
final class Members {
    private final GroupAccess group;

    Members(GroupAccess group) {
        this.group = group;
    }

    /// @param role `leader` or `follower`
    /// @param agoMs since it has answered the leader; null where it never has
    /// @param index of the last log entry that it knows to be decided
    /// @param behind how many that is behind the leader
    /// @param domain of the node that carries it; empty where none does
    record View(
            String name,
            String role,
            boolean alive,
            @Nullable Long agoMs,
            long index,
            long behind,
            String raft,
            String control,
            String domain) {}

    /// @param former names that are not used again
    record Listing(String groupId, List<View> members, List<String> former) {
        Listing {
            members = List.copyOf(members);
            former = List.copyOf(former);
        }
    }

    Listing list() {
        MetaMembers members = group.members();
        List<View> views =
                group.read(map -> members.members().stream().map(one -> view(map, one)).toList());
        return new Listing(members.groupId(), views, members.former());
    }

    private static View view(ClusterMap map, MemberSeen seen) {
        GroupMember member = seen.member();
        NodeInfo node = node(map, member.name(), member.control());
        return new View(
                member.name(),
                seen.leads() ? "leader" : "follower",
                seen.alive(),
                seen.agoMs() == Long.MAX_VALUE ? null : seen.agoMs(),
                seen.index(),
                seen.behind(),
                member.raft(),
                member.control(),
                node == null ? "" : node.domain());
    }

    /// The node that carries a member: it has its name, or is reached where the member is. Null for
    /// one in a process of its own.
    static @Nullable NodeInfo node(ClusterMap map, String name, String control) {
        for (NodeInfo node : map.nodes()) {
            if (!node.removed() && node.name().equals(name)) {
                return node;
            }
        }
        for (NodeInfo node : map.nodes()) {
            if (!node.removed() && !control.isEmpty() && node.addresses().contains(control)) {
                return node;
            }
        }
        return null;
    }

    /// Takes in a member that waits for it.
    ///
    /// @param control `HOST:PORT` where its process is reached
    /// @param replaces name of the one in whose place it comes, or null
    void add(String name, String control, @Nullable String replaces) {
        MetaStatus status = group.member(control);
        GroupMember member = status.member();
        if (member == null) {
            throw AdminException.conflict(
                    "member-old", "the process at %s is of an older version".formatted(control));
        }
        if (!member.name().equals(name)) {
            throw AdminException.conflict(
                    "wrong-member",
                    "the process at %s carries member %s, not %s"
                            .formatted(control, member.name(), name));
        }
        if (!status.groupId().equals(group.members().groupId())) {
            throw AdminException.conflict(
                    "other-group",
                    "%s at %s belongs to another metadata group: a member that is to be added has `meta.join` in its config, not `meta.members`"
                            .formatted(name, control));
        }
        List<String> removed = replaces == null ? List.of() : List.of(replaces);
        group.changeMembers(List.of(member), removed);
    }

    void remove(String name) {
        group.changeMembers(List.of(), List.of(name));
    }
}
