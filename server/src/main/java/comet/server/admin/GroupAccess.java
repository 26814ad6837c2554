package comet.server.admin;

import comet.cluster.ClusterMap;
import comet.cluster.Command;
import comet.cluster.GroupMember;
import comet.cluster.Reply;
import comet.meta.GroupEvent;
import comet.server.raft.MetaMembers;
import comet.server.raft.MetaStatus;
import java.util.List;
import java.util.function.Function;

/// The metadata group as the admin API asks it: blocking, each call with a deadline of its own. For
/// any thread. All throw [AdminException] `no-quorum` where the group does not answer in time.
public interface GroupAccess {
    /// Runs `view` on the map as of now (a linearizable read).
    <T> T read(Function<ClusterMap, T> view);

    /// Has the group decide.
    ///
    /// @throws AdminException with the group's own code where it refuses
    Reply submit(Command command);

    /// What has happened after event `after`, oldest first.
    List<GroupEvent> events(long after);

    GroupStatus status();

    /// Who belongs to the group.
    MetaMembers members();

    /// Adds a member, removes one, or puts one in the other's place.
    ///
    /// @throws AdminException with the group's own code where it refuses
    void changeMembers(List<GroupMember> add, List<String> remove);

    /// What the process at an address says of the member that it carries.
    ///
    /// @throws AdminException `member-silent` where nobody answers
    MetaStatus member(String control);
}
