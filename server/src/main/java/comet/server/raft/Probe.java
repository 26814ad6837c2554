package comet.server.raft;

import comet.cluster.ClusterInfo;
import comet.cluster.DiskInfo;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/// How the leader sees for itself whether a disk answers. For any thread; must not block.
public interface Probe {
    /// Whether the disk, in the life that the map has or in another, answers a greeting. Never ends
    /// where nothing comes.
    ///
    /// @param addresses of its node
    CompletableFuture<Boolean> answers(ClusterInfo cluster, DiskInfo disk, List<String> addresses);
}
