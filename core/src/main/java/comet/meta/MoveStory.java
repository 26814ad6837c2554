package comet.meta;

import comet.cluster.ClusterSetting;
import comet.cluster.Command;
import comet.cluster.DiskInfo;
import comet.cluster.MemberState;
import comet.cluster.NodeInfo;
import comet.cluster.PgConfig;
import comet.cluster.PgConfig.Member;
import comet.port.Events.Level;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

/// What operators say of disks and nodes, and what follows by moves, told as events. Single moves
/// are not told: a disk that is emptied has thousands of them.
final class MoveStory {
    private static final List<String> REBUILT = List.of("disk-rebuilt-elsewhere");

    private final Story story;
    private final GroupState state;
    private final Decision decision;

    MoveStory(Story story, GroupState state, Decision decision) {
        this.story = story;
        this.state = state;
        this.decision = decision;
    }

    List<GroupEvent> states(Command.SetDiskStates command) {
        List<GroupEvent> events = new ArrayList<>();
        for (DiskInfo disk : disks()) {
            String what =
                    switch (disk.state()) {
                        case ACTIVE -> "it takes placement groups again";
                        case DRAINING, REMOVING -> groups(disk.diskId()) + " move to other disks";
                        case REMOVED -> "it held nothing, and may not start again";
                    };
            events.add(
                    story.disk(Level.INFO, code(disk.state()), disk.diskId())
                            .because("the operator's word")
                            .then(what)
                            .made());
        }
        return events;
    }

    private static String code(DiskInfo.State state) {
        return switch (state) {
            case ACTIVE -> "disk-active";
            case DRAINING -> "disk-draining";
            case REMOVING -> "disk-removing";
            case REMOVED -> "disk-removed";
        };
    }

    private List<DiskInfo> disks() {
        List<DiskInfo> disks = new ArrayList<>();
        for (GroupRecord record : decision.records()) {
            if (record instanceof GroupRecord.DiskSet set) {
                disks.add(set.disk());
            }
        }
        return disks;
    }

    private String groups(int diskId) {
        int count = 0;
        for (int pg = 0; pg < state.pgCount(); pg++) {
            count += state.pg(pg).member(diskId) == null ? 0 : 1;
        }
        return count + (count == 1 ? " placement group" : " placement groups");
    }

    GroupEvent replaced(Command.ReplaceDisk command) {
        return story.disk(Level.INFO, "disk-replaced", command.oldDiskId())
                .because("the operator's word")
                .then(
                        "%s move to %s"
                                .formatted(
                                        groups(command.oldDiskId()),
                                        story.diskName(command.newDiskId())))
                .made();
    }

    GroupEvent maintenance(Command.SetMaintenance command) {
        boolean on = command.untilMs() != 0;
        return story.event(
                        Level.INFO,
                        on ? "maintenance-on" : "maintenance-off",
                        nodeName(command.nodeId()))
                .because("the operator's word")
                .then(
                        on
                                ? "nothing is made anew because its disks are away"
                                : "what is away for long is made anew")
                .made();
    }

    GroupEvent removed(Command.RemoveNode command) {
        return story.event(Level.INFO, "node-removed", nodeName(command.nodeId()))
                .because("the operator's word")
                .made();
    }

    private String nodeName(int nodeId) {
        NodeInfo node = state.nodes.get(nodeId);
        return "node " + (node == null ? nodeId : node.name());
    }

    /// Told once for a disk that is away: the first move away from it.
    List<GroupEvent> started() {
        List<GroupEvent> events = new ArrayList<>();
        for (Map.Entry<Integer, Integer> left : leaving().entrySet()) {
            Member member = state.pg(left.getValue()).member(left.getKey());
            boolean stale = member != null && member.state() == MemberState.STALE;
            int diskId = left.getKey();
            if (stale && state.lastEvent(diskId, REBUILT, "disk-left-behind") == null) {
                events.add(
                        story.disk(Level.WARN, REBUILT.getFirst(), diskId)
                                .by(story.leader())
                                .because(
                                        "it is away for longer than "
                                                + state.settings()
                                                        .text(ClusterSetting.REBUILD_AFTER))
                                .then("its copies are made anew on other disks")
                                .made());
            }
        }
        return events;
    }

    /// Disks that moves begin to leave, each with one of the placement groups.
    private TreeMap<Integer, Integer> leaving() {
        TreeMap<Integer, Integer> leaving = new TreeMap<>();
        for (GroupRecord record : decision.records()) {
            PgConfig.Move move = record instanceof GroupRecord.PgSet set ? set.pg().move() : null;
            if (move != null && move.from() != 0) {
                leaving.putIfAbsent(move.from(), ((GroupRecord.PgSet) record).pg().pg());
            }
        }
        return leaving;
    }

    /// Told where a disk has none left.
    List<GroupEvent> ended() {
        List<GroupEvent> events = new ArrayList<>();
        TreeSet<Integer> changed = new TreeSet<>();
        TreeSet<Integer> left = new TreeSet<>();
        for (GroupRecord record : decision.records()) {
            if (record instanceof GroupRecord.PgSet set) {
                changed.add(set.pg().pg());
                PgConfig.Move move = state.pg(set.pg().pg()).move();
                if (move != null && set.pg().member(move.from()) == null) {
                    left.add(move.from());
                }
            }
        }
        for (DiskInfo disk : disks()) {
            left.remove(disk.diskId());
            events.add(
                    story.disk(Level.INFO, code(disk.state()), disk.diskId())
                            .by(story.leader())
                            .because("it holds nothing any more")
                            .then("it may not start again")
                            .made());
        }
        for (int diskId : left) {
            if (state.disks.get(diskId) != null
                    && !OperatorRules.isMember(state, diskId, changed)) {
                events.add(
                        story.disk(Level.INFO, "disk-emptied", diskId)
                                .by(story.leader())
                                .then("all that it held is on other disks")
                                .made());
            }
        }
        return events;
    }
}
