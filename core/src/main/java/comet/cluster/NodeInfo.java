package comet.cluster;

import java.util.List;

/// A storage node as the map has it.
///
/// @param addresses where its disks listen, tried in order: `unix:PATH` (used where the path exists
///   on the caller's host), `HOST:PORT`
/// @param hostId names the machine, so that peers on the same host are preferred
/// @param maintenanceUntilMs wall clock; until then nothing is rebuilt because its disks are away.
///   0 for none, [Long#MAX_VALUE] until it is taken back
/// @param removed by the operator; a node that starts under its name is back
public record NodeInfo(
        int nodeId,
        String name,
        String domain,
        String hostId,
        List<String> addresses,
        long maintenanceUntilMs,
        boolean removed) {
    public NodeInfo {
        addresses = List.copyOf(addresses);
    }

    public NodeInfo(int nodeId, String name, String domain, String hostId, List<String> addresses) {
        this(nodeId, name, domain, hostId, addresses, 0, false);
    }

    public boolean inMaintenance(long nowMs) {
        return nowMs < maintenanceUntilMs;
    }

    public NodeInfo withMaintenance(long untilMs) {
        return new NodeInfo(nodeId, name, domain, hostId, addresses, untilMs, removed);
    }

    public NodeInfo asRemoved() {
        return new NodeInfo(nodeId, name, domain, hostId, addresses, 0, true);
    }
}
