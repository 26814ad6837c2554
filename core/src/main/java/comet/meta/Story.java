package comet.meta;

import comet.base.Check;
import comet.cluster.ClusterSetting;
import comet.cluster.Command;
import comet.cluster.DiskInfo;
import comet.cluster.GroupMember;
import comet.cluster.NodeInfo;
import comet.cluster.Reply;
import comet.cluster.SettingValue;
import comet.cluster.VolumeInfo;
import comet.cluster.VolumeLimits;
import comet.port.Events.Level;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/// Tells a decision as an event: what changed, who said so, why, and what follows. Made of the
/// state before the decision, the command and the records, so that every member of the group tells
/// the same. What concerns disks is told by [DiskStory] and [MoveStory].
final class Story {
    private final GroupState state;
    private final Submission submission;
    private final Decision decision;
    private final Liveness liveness;

    private Story(GroupState state, Submission submission, Decision decision, Liveness liveness) {
        this.state = state;
        this.submission = submission;
        this.decision = decision;
        this.liveness = liveness;
    }

    /// What is to be told of a decision that was not replayed yet.
    static List<GroupEvent> of(
            GroupState state, Submission submission, Decision decision, Liveness liveness) {
        return decision.records().isEmpty()
                ? List.of()
                : new Story(state, submission, decision, liveness).tellAll();
    }

    private List<GroupEvent> tellAll() {
        MoveStory moves = new MoveStory(this, state, decision);
        return switch (submission.command()) {
            case Command.SetDiskStates c -> moves.states(c);
            case Command.ReplaceDisk c -> List.of(moves.replaced(c));
            case Command.SetMaintenance c -> List.of(moves.maintenance(c));
            case Command.RemoveNode c -> List.of(moves.removed(c));
            case Command.StartMoves _ -> moves.started();
            case Command.EndMoves _ -> moves.ended();
            case Command.CancelMoves _ -> List.of();
            case Command.SetMembers c -> members(c);
            default -> {
                GroupEvent event = tell();
                yield event == null ? List.of() : List.of(event);
            }
        };
    }

    private @Nullable GroupEvent tell() {
        return switch (submission.command()) {
            case Command.CreateCluster c ->
                    event(Level.INFO, "cluster-created", "cluster")
                            .then(
                                    "%d placement groups, %d copies"
                                            .formatted(
                                                    c.cluster().pgCount(), c.cluster().replicas()))
                            .made();
            case Command.ChangeSettings c -> settings(c);
            case Command.RegisterNode c -> node(c);
            case Command.RegisterGateway c -> gateway(c);
            case Command.CreateVolume c ->
                    decision.reply() instanceof Reply.Id id
                            ? event(Level.INFO, "volume-created", "volume " + c.name())
                                    .volume(id.id())
                                    .then(size(c.sizeBytes()) + limited(c.limits()))
                                    .made()
                            : null;
            case Command.RenameVolume c ->
                    volume("volume-renamed", c.volumeId(), "it is now " + c.name());
            case Command.ResizeVolume c ->
                    volume("volume-resized", c.volumeId(), "it has " + size(c.sizeBytes()));
            case Command.LimitVolume c ->
                    volume(
                            "volume-limited",
                            c.volumeId(),
                            c.limits().unlimited()
                                    ? "no limits"
                                    : limited(c.limits()).substring(2));
            case Command.DeleteVolume c -> volume("volume-deleted", c.volumeId(), "");
            case Command.RestoreVolume c -> volume("volume-restored", c.volumeId(), "");
            case Command.PurgeVolume c ->
                    volume("volume-purged", c.volumeId(), "its data is dropped");
            case Command.Attach c -> attach(c);
            case Command.Detach c -> detach(c);
            case Command.Migrate c ->
                    c.toGatewayId() == 0
                            ? null
                            : volume(
                                    "volume-migrates",
                                    c.volumeId(),
                                    state.gatewayName(c.toGatewayId())
                                            + " takes it over with its first write");
            case Command.AnswerYield _ -> null;
            default -> new DiskStory(this, state, submission, decision).tell();
        };
    }

    // Events in the making.

    Draft event(Level level, String code, String subject) {
        return new Draft(level, code, subject);
    }

    Draft disk(Level level, String code, int diskId) {
        return event(level, code, diskName(diskId)).disk(diskId);
    }

    private @Nullable GroupEvent volume(String code, long volumeId, String consequence) {
        return volumeDraft(Level.INFO, code, volumeId).then(consequence).made();
    }

    private Draft volumeDraft(Level level, String code, long volumeId) {
        VolumeInfo volume = state.volumes.get(volumeId);
        String name = volume == null ? Long.toString(volumeId) : volume.name();
        return event(level, code, "volume " + name).volume(volumeId);
    }

    /// One with empty fields.
    final class Draft {
        private final Level level;
        private final String code;
        private final String subject;
        private int diskId;
        private long volumeId;
        private long gatewayId;
        private String reporter = asker();
        private String cause = "";
        private String consequence = "";

        private Draft(Level level, String code, String subject) {
            this.level = level;
            this.code = code;
            this.subject = subject;
        }

        Draft disk(int id) {
            diskId = id;
            return this;
        }

        Draft volume(long id) {
            volumeId = id;
            return this;
        }

        Draft gateway(long id) {
            gatewayId = id;
            return this;
        }

        Draft by(String who) {
            reporter = who;
            return this;
        }

        Draft because(String why) {
            cause = why;
            return this;
        }

        Draft then(String what) {
            consequence = what;
            return this;
        }

        GroupEvent made() {
            return new GroupEvent(
                    0,
                    liveness.timeMs(),
                    level,
                    code,
                    subject,
                    diskId,
                    volumeId,
                    gatewayId,
                    reporter,
                    cause,
                    consequence);
        }
    }

    // Who and what.

    /// Which process has sent the command: known where it has registered a disk or a gateway.
    private String asker() {
        String name = state.processName(submission.origin());
        return name.isEmpty() ? "operator" : name;
    }

    String leader() {
        return liveness.leader().isEmpty() ? "leader" : "leader " + liveness.leader();
    }

    long timeMs() {
        return liveness.timeMs();
    }

    String diskName(int diskId) {
        DiskInfo disk = state.disks.get(diskId);
        NodeInfo node = disk == null ? null : state.nodes.get(disk.nodeId());
        return "disk " + diskId + (node == null ? "" : " on " + node.name());
    }

    // Settings, nodes, gateways.

    private GroupEvent settings(Command.ChangeSettings command) {
        StringBuilder what = new StringBuilder();
        for (SettingValue change : command.changes()) {
            ClusterSetting setting = ClusterSetting.of(change.key());
            if (setting == null) {
                throw Check.failed("an unknown setting is refused");
            }
            String now = change.value().isEmpty() ? setting.defaultText() : change.value();
            String old = state.settings().text(setting);
            if (!now.equals(old)) {
                what.append(what.isEmpty() ? "" : ", ")
                        .append("%s %s, before %s".formatted(change.key(), now, old));
            }
        }
        return event(Level.INFO, "settings-changed", "cluster").then(what.toString()).made();
    }

    /// Nothing where nobody had said before who the members are.
    private List<GroupEvent> members(Command.SetMembers command) {
        List<GroupMember> before = state.members();
        List<GroupEvent> told = new ArrayList<>();
        for (GroupMember member : before.isEmpty() ? List.<GroupMember>of() : command.members()) {
            if (before.stream().noneMatch(old -> old.name().equals(member.name()))) {
                told.add(
                        event(Level.INFO, "member-added", "metadata member " + member.name())
                                .because(command.cause())
                                .then(count(command.members()) + ", it is at " + member.control())
                                .made());
            }
        }
        for (GroupMember old : before) {
            if (command.members().stream().noneMatch(member -> member.name().equals(old.name()))) {
                told.add(
                        event(Level.INFO, "member-removed", "metadata member " + old.name())
                                .because(command.cause())
                                .then(count(command.members()) + "; its name is not used again")
                                .made());
            }
        }
        return told;
    }

    private static String count(List<GroupMember> members) {
        return members.size() == 1
                ? "the group has one member"
                : "the group has %d members".formatted(members.size());
    }

    private GroupEvent node(Command.RegisterNode command) {
        boolean known =
                state.nodes.values().stream().anyMatch(node -> node.name().equals(command.name()));
        return event(Level.INFO, known ? "node-changed" : "node-joined", "node " + command.name())
                .by("node " + command.name())
                .then("in domain " + command.domain())
                .made();
    }

    private @Nullable GroupEvent gateway(Command.RegisterGateway command) {
        if (!(decision.reply() instanceof Reply.Id id)) {
            return null;
        }
        boolean known = state.gateways.get(id.id()) != null;
        String name = "gateway " + command.name();
        return event(Level.INFO, known ? "gateway-started" : "gateway-joined", name)
                .gateway(id.id())
                .by(name)
                .made();
    }

    // Attachments: only what somebody loses by.

    private @Nullable GroupEvent attach(Command.Attach command) {
        VolumeInfo volume = state.volumes.get(command.volumeId());
        VolumeInfo.Attachment held = volume == null ? null : volume.attachment();
        if (held == null || held.gatewayId() == command.gatewayId()) {
            return null;
        }
        String from = state.gatewayName(held.gatewayId());
        String to = state.gatewayName(command.gatewayId());
        if (held.migrateTo() == command.gatewayId()) {
            return volumeDraft(Level.INFO, "volume-migrated", command.volumeId())
                    .gateway(command.gatewayId())
                    .by(to)
                    .because("it was marked")
                    .then("it has left " + from)
                    .made();
        }
        boolean dead = liveness.gateway(held.gatewayId()) == Liveness.State.DEAD;
        return volumeDraft(Level.WARN, "volume-taken-over", command.volumeId())
                .gateway(command.gatewayId())
                .by(to)
                .because(dead ? from + " is silent" : "by the operator's word, from " + from)
                .then("what " + from + " had not flushed may be lost; it can write no more")
                .made();
    }

    private @Nullable GroupEvent detach(Command.Detach command) {
        if (command.clean()) {
            return null;
        }
        String from = state.gatewayName(command.gatewayId());
        return volumeDraft(Level.WARN, "volume-detached-by-force", command.volumeId())
                .gateway(command.gatewayId())
                .then("what " + from + " had not flushed may be lost; it can write no more")
                .made();
    }

    // Words.

    private static String limited(VolumeLimits limits) {
        StringBuilder text = new StringBuilder();
        if (limits.iops() > 0) {
            text.append(", ").append(limits.iops()).append(" requests/s");
        }
        if (limits.bytesPerSecond() > 0) {
            text.append(", ").append(size(limits.bytesPerSecond())).append("/s");
        }
        return text.toString();
    }

    static String size(long bytes) {
        int unit = 0;
        double value = bytes;
        while (value >= 1024 && unit < 4) {
            value /= 1024;
            unit++;
        }
        String number =
                value == Math.rint(value)
                        ? Long.toString((long) value)
                        : String.format(Locale.ROOT, "%.1f", value);
        return number + " " + (unit == 0 ? "B" : "KMGT".charAt(unit - 1) + "iB");
    }
}
