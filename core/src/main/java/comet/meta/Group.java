package comet.meta;

import comet.cluster.Command;
import comet.cluster.GroupMember;
import comet.cluster.MapUpdate;
import comet.cluster.Reply;
import comet.meta.GroupRecord.Answered;
import comet.meta.GroupRecord.Happened;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The metadata group's state machine, in the shape of Kafka's controller: [#decide] reads the
/// state and says what a command would change, [#replay] alone changes it. A log entry holds a
/// batch of submissions and what its leader knew of who is alive; every member of the group runs
/// [#apply] on it and so comes to the same state and the same answers.
///
/// One entry that changes something is one revision of the map. A submission that changed something
/// is remembered with its answer for a while: sent again, it is answered again and changes nothing.
///
/// The rules lie in [ClusterRules] (cluster, nodes, gateways), [SettingRules], [MemberRules] (the
/// metadata group itself), [DiskRules] (disks and their PGs), [LossRules] (replicas that are away),
/// [ForceRules] (those that never come back), [MoveRules] (PGs that change their disks),
/// [OperatorRules] (what operators say of disks and nodes), [VolumeRules], [AttachRules] and
/// [ScrubRules]; [Story] tells what was decided as an event.
public final class Group {
    private GroupState state;

    /// @param decisions one per submission, in order
    /// @param update what changed, or null where nothing did
    public record Applied(List<Decision> decisions, @Nullable MapUpdate update) {}

    public Group() {
        state = new GroupState();
    }

    public Group(GroupImage image) {
        state = new GroupState(image);
    }

    /// Decides and replays the submissions of one log entry.
    public Applied apply(List<Submission> submissions, Liveness liveness) {
        ArrayList<Decision> decisions = new ArrayList<>(submissions.size());
        for (Submission submission : submissions) {
            Decision decision = decide(submission, liveness);
            decision.records().forEach(this::replay);
            decisions.add(decision);
        }
        return new Applied(decisions, endEntry());
    }

    /// What a submission would change; changes nothing.
    public Decision decide(Submission submission, Liveness liveness) {
        Reply known = state.answer(submission.origin(), submission.sequence());
        if (known != null) {
            return new Decision(List.of(), known, null);
        }
        Decision decision = decideNew(submission, liveness);
        if (decision.records().isEmpty()) {
            return decision;
        }
        ArrayList<GroupRecord> records = new ArrayList<>(decision.records());
        for (GroupEvent event : Story.of(state, submission, decision, liveness)) {
            records.add(new Happened(event));
        }
        if (!(decision.reply() instanceof Reply.Refused)) {
            records.add(new Answered(submission.origin(), submission.sequence(), decision.reply()));
        }
        return new Decision(records, decision.reply(), decision.question());
    }

    private Decision decideNew(Submission submission, Liveness liveness) {
        Draft draft = new Draft(state);
        Command command = submission.command();
        if (state.cluster() == null && !(command instanceof Command.CreateCluster)) {
            return draft.refused("no-cluster", "there is no cluster yet: create one first");
        }
        return switch (command) {
            case Command.CreateCluster c -> ClusterRules.createCluster(draft, c);
            case Command.ChangeSettings c -> SettingRules.change(draft, c);
            case Command.SetMembers c -> MemberRules.set(draft, c);
            case Command.RegisterNode c -> ClusterRules.registerNode(draft, c);
            case Command.RegisterGateway c ->
                    ClusterRules.registerGateway(draft, c, submission.origin(), liveness);
            case Command.AddDisk c -> DiskRules.addDisk(draft, c);
            case Command.RegisterDisk c ->
                    DiskRules.registerDisk(draft, c, submission.origin(), liveness);
            case Command.AcceptDataLoss c -> DiskRules.acceptDataLoss(draft, c, liveness);
            case Command.ForceAvailable c -> ForceRules.force(draft, c, liveness);
            case Command.InSync c -> DiskRules.inSync(draft, c);
            case Command.NewEpoch c -> DiskRules.newEpoch(draft, c);
            case Command.Unreachable c -> LossRules.unreachable(draft, c, liveness);
            case Command.Recovering c -> LossRules.recovering(draft, c);
            case Command.SetDiskWeight c -> OperatorRules.setWeight(draft, c);
            case Command.SetDiskStates c -> OperatorRules.setStates(draft, c);
            case Command.ReplaceDisk c -> OperatorRules.replace(draft, c);
            case Command.SetMaintenance c -> OperatorRules.setMaintenance(draft, c);
            case Command.RemoveNode c -> OperatorRules.removeNode(draft, c);
            case Command.StartMoves c -> MoveRules.start(draft, c, liveness);
            case Command.EndMoves c -> MoveRules.end(draft, c, liveness);
            case Command.CancelMoves c -> MoveRules.cancel(draft, c);
            case Command.CreateVolume c -> VolumeRules.create(draft, c);
            case Command.RenameVolume c -> VolumeRules.rename(draft, c);
            case Command.ResizeVolume c -> VolumeRules.resize(draft, c);
            case Command.LimitVolume c -> VolumeRules.limit(draft, c);
            case Command.DeleteVolume c -> VolumeRules.delete(draft, c);
            case Command.RestoreVolume c -> VolumeRules.restore(draft, c);
            case Command.PurgeVolume c -> VolumeRules.purge(draft, c);
            case Command.Attach c -> AttachRules.attach(draft, c, submission.origin(), liveness);
            case Command.Detach c -> AttachRules.detach(draft, c);
            case Command.Migrate c -> AttachRules.migrate(draft, c);
            case Command.AnswerYield c -> AttachRules.answerYield(draft, c);
            case Command.OrderScrub c -> ScrubRules.order(draft, c);
            case Command.Scrubbed c -> ScrubRules.report(draft, c);
        };
    }

    /// Changes the state. The change becomes part of the map with [#endEntry].
    public void replay(GroupRecord record) {
        state.replay(record);
    }

    /// Ends a log entry: what it changed, or null where it changed nothing that others see.
    public @Nullable MapUpdate endEntry() {
        return state.endEntry() ? state.changesAfter(state.revision() - 1) : null;
    }

    public long revision() {
        return state.revision();
    }

    /// What changed after `revision`; everything (with `after` 0) where that cannot be said.
    public MapUpdate changesAfter(long revision) {
        return state.changesAfter(revision);
    }

    /// What has happened since event `after`, oldest first, the last [Limits#EVENTS_MAX].
    public List<GroupEvent> eventsAfter(long after) {
        return state.eventsAfter(after);
    }

    /// The members of the metadata group, as their leader said last; empty before it did.
    public List<GroupMember> members() {
        return state.members();
    }

    /// Names of members that the group had.
    public List<String> formerMembers() {
        return state.formerMembers();
    }

    public GroupImage image() {
        return state.image();
    }

    /// Takes over a snapshot in place of what was known.
    public void restore(GroupImage image) {
        state = new GroupState(image);
    }
}
