package comet.server.admin;

import comet.cluster.ClusterMap;
import comet.cluster.Command;
import comet.cluster.DiskInfo;
import comet.cluster.NodeInfo;
import comet.server.raft.DiskUse;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/// What can be done with disks and nodes that exist, as the API offers it. What follows from it
/// takes its time: see [Moving].
final class Changes {
    /// What may be in use on the disks that are left.
    private static final double FULL_SHARE = 0.9;

    private final GroupAccess group;

    Changes(GroupAccess group) {
        this.group = group;
    }

    void setWeight(int diskId, long weight) {
        group.submit(new Command.SetDiskWeight(diskId, weight));
    }

    void removeDisk(int diskId) {
        checkRoom(List.of(diskId));
        group.submit(new Command.SetDiskStates(List.of(diskId), DiskInfo.State.REMOVING));
    }

    void keepDisk(int diskId) {
        group.submit(new Command.SetDiskStates(List.of(diskId), DiskInfo.State.ACTIVE));
    }

    void replaceDisk(int oldDiskId, int newDiskId) {
        group.submit(new Command.ReplaceDisk(oldDiskId, newDiskId));
    }

    void drain(String name) {
        List<Integer> disks = disksOf(name);
        checkRoom(disks);
        // One that is being removed stays so.
        List<Integer> active = inState(disks, DiskInfo.State.ACTIVE);
        group.submit(new Command.SetDiskStates(active, DiskInfo.State.DRAINING));
    }

    void undrain(String name) {
        List<Integer> drained = inState(disksOf(name), DiskInfo.State.DRAINING);
        group.submit(new Command.SetDiskStates(drained, DiskInfo.State.ACTIVE));
    }

    /// Takes a node that holds nothing out of the cluster, with its disks.
    void removeNode(String name) {
        int nodeId = node(name).nodeId();
        checkCarriesNoMember(name, nodeId);
        List<Integer> disks = disksOf(name);
        for (int diskId : disks) {
            int groups = group.read(map -> groups(map, diskId));
            if (groups > 0) {
                throw AdminException.conflict(
                        "node-not-empty",
                        "disk %d of node %s still holds %d placement groups: drain the node first, with `comet node drain %s --wait`"
                                .formatted(diskId, name, groups, name));
            }
        }
        group.submit(new Command.SetDiskStates(disks, DiskInfo.State.REMOVING));
        group.submit(new Command.RemoveNode(nodeId));
    }

    /// Its process will be stopped, and its member with it.
    private void checkCarriesNoMember(String name, int nodeId) {
        GroupStatus status = group.status();
        for (String member : status.members()) {
            String control = status.controls().getOrDefault(member, "");
            boolean carries =
                    group.read(map -> {
                        NodeInfo node = Members.node(map, member, control);
                        return node != null && node.nodeId() == nodeId;
                    });
            if (carries) {
                throw AdminException.conflict(
                        "node-is-member",
                        "node %s carries member %s of the metadata group: first put another in its place with `comet cluster replace-member %s NEW=HOST:PORT`, or take it out with `comet cluster remove-member %s`"
                                .formatted(name, member, member, member));
            }
        }
    }

    private static int groups(ClusterMap map, int diskId) {
        int count = 0;
        for (int pg = 0; pg < map.pgCount(); pg++) {
            count += map.pg(pg).member(diskId) == null ? 0 : 1;
        }
        return count;
    }

    /// @param seconds how long; null for until it is taken back
    void maintenance(String name, boolean on, @Nullable Long seconds) {
        if (seconds != null && seconds <= 0) {
            throw AdminException.bad("bad-time", "maintenance lasts for more than no time");
        }
        long until = 0;
        if (on) {
            until = Long.MAX_VALUE;
            if (seconds != null && seconds < Long.MAX_VALUE / 2000) {
                until = System.currentTimeMillis() + 1000 * seconds;
            }
        }
        group.submit(new Command.SetMaintenance(node(name).nodeId(), until));
    }

    private NodeInfo node(String name) {
        return group.read(map -> {
            for (NodeInfo node : map.nodes()) {
                if (node.name().equals(name) && !node.removed()) {
                    return node;
                }
            }
            throw AdminException.missing(
                    "unknown-node", "there is no node %s; see `comet node list`".formatted(name));
        });
    }

    private List<Integer> disksOf(String name) {
        int nodeId = node(name).nodeId();
        return group.read(
                map -> Views.disksOf(map, nodeId).stream().map(DiskInfo::diskId).toList());
    }

    private List<Integer> inState(List<Integer> disks, DiskInfo.State state) {
        return group.read(map -> {
            List<Integer> found = disks.stream().filter(id -> is(map, id, state)).toList();
            return found;
        });
    }

    private static boolean is(ClusterMap map, int diskId, DiskInfo.State state) {
        DiskInfo disk = map.disk(diskId);
        return disk != null && disk.state() == state;
    }

    /// What these disks hold must find room on those that are left.
    private void checkRoom(List<Integer> leaving) {
        GroupStatus status = group.status();
        TreeSet<Integer> gone = new TreeSet<>(leaving);
        double[] used = new double[1];
        List<DiskUse> staying = new ArrayList<>();
        boolean known =
                group.read(map -> {
                    for (DiskInfo disk : map.disks()) {
                        DiskUse use = status.use(disk.diskId());
                        if (!disk.counts()) {
                            continue;
                        }
                        if (use == null) {
                            return false;
                        }
                        boolean stays =
                                disk.state() == DiskInfo.State.ACTIVE
                                        && !gone.contains(disk.diskId());
                        used[0] += use.usedBytes();
                        if (stays) {
                            staying.add(use);
                        }
                    }
                    return true;
                });
        if (known && used[0] > FULL_SHARE * Capacity.bytes(staying)) {
            throw AdminException.conflict(
                    "no-space",
                    "what the cluster holds (%.0f GiB) would not fit on the disks that are left: add disks first"
                            .formatted(used[0] / (1L << 30)));
        }
    }
}
