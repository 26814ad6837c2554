package comet.server.raft;

import comet.cluster.GroupMember;

/// A member of the metadata group as its leader sees it.
///
/// @param leads this one does
/// @param alive it has answered its leader a moment ago
/// @param agoMs since it did; 0 for the leader
/// @param index of the last log entry of which it knows that it is decided
/// @param behind how many entries that is behind the leader
public record MemberSeen(
        GroupMember member, boolean leads, boolean alive, long agoMs, long index, long behind) {
    MemberSeen with(String folder) {
        return new MemberSeen(member.withFolder(folder), leads, alive, agoMs, index, behind);
    }
}
