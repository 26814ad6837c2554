package comet.server.raft;

import java.util.List;

/// Who belongs to the metadata group, as its leader knows it.
///
/// @param groupId a uuid
/// @param leader the leader's name
/// @param former names of members that the group had; none is used again
public record MetaMembers(
        String groupId, String leader, List<MemberSeen> members, List<String> former) {
    public MetaMembers {
        members = List.copyOf(members);
        former = List.copyOf(former);
    }
}
