package comet.cluster;

import java.util.List;

/// A storage node as the map has it.
///
/// @param addresses where its disks listen, tried in order: `unix:PATH` (used where the path exists
///   on the caller's host), `HOST:PORT`
/// @param hostId names the machine, so that peers on the same host are preferred
public record NodeInfo(
        int nodeId, String name, String domain, String hostId, List<String> addresses) {
    public NodeInfo {
        addresses = List.copyOf(addresses);
    }
}
