package comet.meta;

import comet.cluster.ClusterInfo;
import comet.cluster.Command;
import comet.cluster.DiskInfo;
import comet.cluster.NodeInfo;
import comet.cluster.PgConfig;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/// What operators say of disks and nodes that exist. It changes what is wanted; [Moves] brings it
/// about.
final class OperatorRules {
    private OperatorRules() {}

    static Decision setWeight(Draft draft, Command.SetDiskWeight command) {
        DiskInfo disk = draft.state.disks.get(command.diskId());
        if (disk == null) {
            return unknownDisk(draft, command.diskId());
        }
        if (disk.state() == DiskInfo.State.REMOVED) {
            return removedDisk(draft, disk);
        }
        if (command.weight() <= 0) {
            return draft.refused(
                    "invalid-weight",
                    "a disk's weight must be above 0: to empty disk "
                            + disk.diskId()
                            + ", drain its node or remove it");
        }
        if (disk.weight() != command.weight()) {
            draft.add(new GroupRecord.DiskSet(disk.withWeight(command.weight())));
        }
        return draft.done();
    }

    private static Decision unknownDisk(Draft draft, int diskId) {
        return draft.refused("unknown-disk", "there is no disk " + diskId);
    }

    private static Decision removedDisk(Draft draft, DiskInfo disk) {
        return draft.refused("removed-disk", "disk " + disk.diskId() + " was removed for ever");
    }

    static Decision setStates(Draft draft, Command.SetDiskStates command) {
        if (command.state() == DiskInfo.State.REMOVED) {
            return draft.refused("invalid-state", "disks are REMOVED once they are empty");
        }
        for (int diskId : command.diskIds()) {
            DiskInfo disk = draft.state.disks.get(diskId);
            if (disk == null) {
                return unknownDisk(draft, diskId);
            }
            if (disk.state() == DiskInfo.State.REMOVED) {
                return removedDisk(draft, disk);
            }
        }
        if (command.state() != DiskInfo.State.ACTIVE) {
            Decision refusal = tooFewDomains(draft, command.diskIds(), 0);
            if (refusal != null) {
                return refusal;
            }
        }
        for (int diskId : new TreeSet<>(command.diskIds())) {
            become(draft, diskId, command.state());
        }
        return draft.done();
    }

    private static void become(Draft draft, int diskId, DiskInfo.State state) {
        DiskInfo disk = draft.state.disks.get(diskId);
        if (disk == null) {
            return;
        }
        boolean empty =
                state == DiskInfo.State.REMOVING && !isMember(draft.state, diskId, Set.of());
        DiskInfo.State to = empty ? DiskInfo.State.REMOVED : state;
        if (disk.state() != to) {
            draft.add(new GroupRecord.DiskSet(disk.withState(to)));
        }
    }

    /// Whether a PG has the disk as a member, or remembers its old copy.
    ///
    /// @param but PGs that are not looked at
    static boolean isMember(GroupState state, int diskId, Set<Integer> but) {
        for (int i = 0; i < state.pgCount(); i++) {
            if (state.pg(i).member(diskId) != null && !but.contains(i)) {
                return true;
            }
        }
        return false;
    }

    /// A PG can go to any disk of its domain, and to any domain where it has no copy; so what
    /// counts is how many domains are left.
    ///
    /// @param joining a disk that is ACTIVE from now on, or 0
    private static @Nullable Decision tooFewDomains(
            Draft draft, List<Integer> leaving, int joining) {
        ClusterInfo cluster = draft.state.cluster();
        TreeSet<String> before = new TreeSet<>();
        TreeSet<String> after = new TreeSet<>();
        for (DiskInfo disk : draft.state.disks.values()) {
            boolean active = disk.counts() && disk.state() == DiskInfo.State.ACTIVE;
            if (active) {
                before.add(disk.domain());
            }
            boolean goes = leaving.contains(disk.diskId());
            if ((active && !goes) || (disk.counts() && disk.diskId() == joining)) {
                after.add(disk.domain());
            }
        }
        int needed = cluster == null ? 0 : Math.min(cluster.replicas(), before.size());
        if (after.size() >= needed || !isAnythingToMove(draft.state, leaving)) {
            return null;
        }
        TreeSet<String> gone = new TreeSet<>(before);
        gone.removeAll(after);
        return draft.refused(
                "too-few-domains",
                "nothing would be left in domain "
                        + String.join(", ", gone)
                        + " to take these copies, and "
                        + needed
                        + " domains are needed for "
                        + needed
                        + " copies: add a disk there, or in another domain, first");
    }

    /// Whether a disk that is to be emptied from now on, or was before, holds something: also what
    /// others have still to give needs a place.
    private static boolean isAnythingToMove(GroupState state, List<Integer> leaving) {
        for (int i = 0; i < state.pgCount(); i++) {
            for (PgConfig.Member member : state.pg(i).members()) {
                DiskInfo disk = state.disks.get(member.diskId());
                boolean stays = disk != null && disk.state() == DiskInfo.State.ACTIVE;
                if (!stays || leaving.contains(member.diskId())) {
                    return true;
                }
            }
        }
        return false;
    }

    static Decision replace(Draft draft, Command.ReplaceDisk command) {
        DiskInfo old = draft.state.disks.get(command.oldDiskId());
        DiskInfo by = draft.state.disks.get(command.newDiskId());
        if (old == null || by == null) {
            return unknownDisk(draft, old == null ? command.oldDiskId() : command.newDiskId());
        }
        if (old.state() == DiskInfo.State.REMOVED || by.state() == DiskInfo.State.REMOVED) {
            return removedDisk(draft, old.state() == DiskInfo.State.REMOVED ? old : by);
        }
        if (old.diskId() == by.diskId()) {
            return draft.refused("same-disk", "a disk cannot replace itself");
        }
        if (!by.counts()) {
            return draft.refused(
                    "disk-not-started",
                    "disk " + by.diskId() + " has never served: start it first");
        }
        if (!old.domain().equals(by.domain())) {
            return draft.refused(
                    "other-domain",
                    "disk "
                            + by.diskId()
                            + " lies in domain "
                            + by.domain()
                            + ", disk "
                            + old.diskId()
                            + " in "
                            + old.domain()
                            + ": add the one and remove the other instead");
        }
        become(draft, by.diskId(), DiskInfo.State.ACTIVE);
        become(draft, old.diskId(), DiskInfo.State.REMOVING);
        return draft.done();
    }

    static Decision setMaintenance(Draft draft, Command.SetMaintenance command) {
        NodeInfo node = draft.state.nodes.get(command.nodeId());
        if (node == null || node.removed()) {
            return draft.refused("unknown-node", "there is no node " + command.nodeId());
        }
        if (command.untilMs() < 0) {
            return draft.refused("invalid-time", "maintenance ends at a time, or never");
        }
        if (node.maintenanceUntilMs() != command.untilMs()) {
            draft.add(new GroupRecord.NodeSet(node.withMaintenance(command.untilMs())));
        }
        return draft.done();
    }

    static Decision removeNode(Draft draft, Command.RemoveNode command) {
        NodeInfo node = draft.state.nodes.get(command.nodeId());
        if (node == null) {
            return draft.refused("unknown-node", "there is no node " + command.nodeId());
        }
        if (ClusterRules.hasDisks(draft, node.nodeId())) {
            return draft.refused(
                    "node-not-empty",
                    "node " + node.name() + " still has disks: remove them first");
        }
        if (!node.removed()) {
            draft.add(new GroupRecord.NodeSet(node.asRemoved()));
        }
        return draft.done();
    }
}
