package comet.server.admin;

import comet.cluster.ClusterMap;
import comet.cluster.Command;
import comet.cluster.Reply;
import comet.meta.GroupEvent;
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
}
