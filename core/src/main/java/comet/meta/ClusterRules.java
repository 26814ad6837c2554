package comet.meta;

import comet.base.Sizes;
import comet.cluster.ClusterInfo;
import comet.cluster.Command;
import comet.cluster.DiskInfo;
import comet.cluster.GatewayInfo;
import comet.cluster.NodeInfo;
import comet.meta.GroupRecord.GatewayLife;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The cluster itself, its nodes and its gateways.
final class ClusterRules {
    static final String OLDER_LIFE = "older-life";

    private ClusterRules() {}

    static Decision createCluster(Draft draft, Command.CreateCluster command) {
        ClusterInfo wanted = command.cluster();
        ClusterInfo existing = draft.state.cluster();
        if (existing != null) {
            return existing.equals(wanted)
                    ? draft.done()
                    : draft.refused(
                            "cluster-exists",
                            "this metadata group already holds another cluster, or the same with"
                                    + " other numbers of replicas or placement groups");
        }
        if (wanted.clusterHigh() == 0 && wanted.clusterLow() == 0) {
            return draft.refused("invalid-cluster", "the cluster's id must not be zero");
        }
        if (Integer.bitCount(wanted.pgCount()) != 1
                || wanted.pgCount() < 1
                || wanted.pgCount() > Limits.PGS_MAX) {
            return draft.refused(
                    "invalid-cluster",
                    "the number of placement groups must be a power of two from 1 to "
                            + Limits.PGS_MAX
                            + ", not "
                            + wanted.pgCount());
        }
        if (wanted.replicas() < 1 || wanted.replicas() > Sizes.REPLICAS_MAX) {
            return draft.refused(
                    "invalid-cluster", "replicas must be 1 to 3, not " + wanted.replicas());
        }
        return draft.add(new GroupRecord.ClusterSet(wanted)).done();
    }

    static Decision registerNode(Draft draft, Command.RegisterNode command) {
        String fault = Names.fault("node name", command.name());
        if (fault == null) {
            fault = Names.fault("domain", command.domain());
        }
        if (fault == null) {
            fault = addressFault(command.addresses());
        }
        if (fault != null) {
            return draft.refused("invalid-name", fault);
        }
        NodeInfo known = null;
        for (NodeInfo node : draft.state.nodes.values()) {
            known = node.name().equals(command.name()) ? node : known;
        }
        if (known == null && countedNodes(draft) >= Limits.NODES_MAX) {
            return draft.refused("limit", "no more than " + Limits.NODES_MAX + " nodes");
        }
        int nodeId = known == null ? draft.state.nextNodeId : known.nodeId();
        if (known != null && !known.domain().equals(command.domain()) && hasDisks(draft, nodeId)) {
            return draft.refused(
                    "domain-changed",
                    "node "
                            + known.name()
                            + " has disks in domain "
                            + known.domain()
                            + " and cannot move to "
                            + command.domain()
                            + ": remove its disks first");
        }
        NodeInfo node =
                new NodeInfo(
                        nodeId,
                        command.name(),
                        command.domain(),
                        command.hostId(),
                        command.addresses(),
                        known == null ? 0 : known.maintenanceUntilMs(),
                        false);
        if (!node.equals(known)) {
            draft.add(new GroupRecord.NodeSet(node));
        }
        return draft.id(nodeId);
    }

    private static int countedNodes(Draft draft) {
        int count = 0;
        for (NodeInfo node : draft.state.nodes.values()) {
            count += node.removed() ? 0 : 1;
        }
        return count;
    }

    static boolean hasDisks(Draft draft, int nodeId) {
        for (DiskInfo disk : draft.state.disks.values()) {
            if (disk.nodeId() == nodeId && disk.state() != DiskInfo.State.REMOVED) {
                return true;
            }
        }
        return false;
    }

    private static @Nullable String addressFault(List<String> addresses) {
        if (addresses.size() > Limits.ADDRESSES_MAX) {
            return "a node has at most " + Limits.ADDRESSES_MAX + " addresses";
        }
        for (String address : addresses) {
            if (address.isEmpty() || address.length() > Limits.ADDRESS_CHARACTERS_MAX) {
                return "an address has 1 to " + Limits.ADDRESS_CHARACTERS_MAX + " characters";
            }
        }
        return null;
    }

    /// A gateway keeps its id over restarts, and its newest life alone acts under it. Which life is
    /// newer its folder tells, by counting its starts; a process with another folder takes the name
    /// over only when the one before is dead.
    static Decision registerGateway(
            Draft draft, Command.RegisterGateway command, long origin, Liveness liveness) {
        String fault = Names.fault("gateway name", command.name());
        if (fault != null) {
            return draft.refused("invalid-name", fault);
        }
        GatewayInfo known = null;
        for (GatewayInfo gateway : draft.state.gateways.values()) {
            known = gateway.name().equals(command.name()) ? gateway : known;
        }
        if (known == null && draft.state.gateways.size() >= Limits.GATEWAYS_MAX) {
            return draft.refused("limit", "no more than " + Limits.GATEWAYS_MAX + " gateways");
        }
        long gatewayId = known == null ? draft.state.nextGatewayId : known.gatewayId();
        GatewayLife before = draft.state.gatewayLife(gatewayId);
        GatewayLife life =
                new GatewayLife(
                        origin, command.folderHigh(), command.folderLow(), command.startCount());
        if (before != null && !before.equals(life)) {
            Decision refusal = refusal(draft, command, before, liveness.gateway(gatewayId));
            if (refusal != null) {
                return refusal;
            }
        }
        if (!life.equals(before)) {
            draft.add(new GroupRecord.GatewayLifeSet(gatewayId, life));
        }
        GatewayInfo gateway = new GatewayInfo(gatewayId, command.name(), command.hostId());
        if (!gateway.equals(known)) {
            draft.add(new GroupRecord.GatewaySet(gateway));
        }
        return draft.id(gatewayId);
    }

    private static @Nullable Decision refusal(
            Draft draft,
            Command.RegisterGateway command,
            GatewayLife before,
            Liveness.State state) {
        String name = command.name();
        if (before.startCount() == 0) {
            // Taken over by a group that was made anew, see AttachRules: its folder is not known.
            return null;
        }
        if (before.folderHigh() == command.folderHigh()
                && before.folderLow() == command.folderLow()) {
            return command.startCount() > before.startCount()
                    ? null
                    : draft.refused(
                            OLDER_LIFE,
                            "gateway "
                                    + name
                                    + " was started again since: its folder has counted "
                                    + command.startCount()
                                    + " starts, the group "
                                    + before.startCount());
        }
        return switch (state) {
            case DEAD -> null;
            case ALIVE ->
                    draft.refused(
                            "gateway-lives",
                            "another gateway named "
                                    + name
                                    + " lives, with another data folder: stop it, or give this one"
                                    + " another name");
            case UNKNOWN ->
                    draft.refused(
                            "wait-for-gateway",
                            "not known yet whether the gateway named "
                                    + name
                                    + " with another data folder lives: ask again");
        };
    }
}
