package comet.meta;

import comet.cluster.Command;
import comet.cluster.Reply;
import comet.cluster.VolumeInfo;
import comet.cluster.VolumeInfo.Attachment;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Who may write a volume. Each attachment has a new term, above every one before, so that disks
/// can refuse the writes of older ones.
///
/// `cleanlyDetached` tells of the last attachment that ended: an attachment that is replaced
/// without having been detached did not end cleanly.
final class AttachRules {
    private AttachRules() {}

    /// An attachment that a dead life of the gateway asked for, and that comes late, must not fence
    /// its living one. (Detaching and yielding need no such check: they name the term.)
    static Decision attach(Draft draft, Command.Attach command, long origin, Liveness liveness) {
        VolumeInfo volume = draft.state.volumes.get(command.volumeId());
        if (volume == null || volume.deleted()) {
            return VolumeRules.notThere(draft, command.volumeId(), volume);
        }
        if (draft.state.gateways.get(command.gatewayId()) == null) {
            return unknownGateway(draft, command.gatewayId());
        }
        GroupRecord.GatewayLife life = draft.state.gatewayLife(command.gatewayId());
        if (life == null) {
            // A group that was made anew knows of no lives: who comes first is taken for the one.
            life = new GroupRecord.GatewayLife(origin, 0, 0, 0);
            draft.add(new GroupRecord.GatewayLifeSet(command.gatewayId(), life));
        }
        if (life.origin() != origin) {
            return draft.refused(
                    ClusterRules.OLDER_LIFE,
                    draft.state.gatewayName(command.gatewayId())
                            + " was started again since: this process may attach nothing more");
        }
        Attachment held = volume.attachment();
        if (held != null && !mayReplace(held, command, liveness)) {
            return heldElsewhere(draft, volume, held, command.mode());
        }
        if (volume.lastTerm() >= Limits.TERM_MAX) {
            return draft.refused(
                    "terms-exhausted", "volume " + volume.name() + " has used all its terms");
        }
        long term = volume.lastTerm() + 1;
        boolean clean = held == null && volume.cleanlyDetached();
        long migrateTo =
                held != null && held.gatewayId() == command.gatewayId() ? held.migrateTo() : 0;
        Attachment attachment = new Attachment(command.gatewayId(), term, migrateTo);
        draft.add(set(volume, term, attachment, clean));
        return draft.reply(new Reply.Attached(draft.revision(), term));
    }

    private static boolean mayReplace(Attachment held, Command.Attach command, Liveness liveness) {
        if (held.gatewayId() == command.gatewayId()
                || liveness.gateway(held.gatewayId()) == Liveness.State.DEAD) {
            return true;
        }
        return switch (command.mode()) {
            case NORMAL -> held.migrateTo() == command.gatewayId();
            case IF_FREE -> false;
            case TAKEOVER -> true;
        };
    }

    private static Decision heldElsewhere(
            Draft draft, VolumeInfo volume, Attachment held, Command.Attach.Mode mode) {
        Reply refusal =
                new Reply.Refused(
                        draft.revision(),
                        "attached-elsewhere",
                        "volume "
                                + volume.name()
                                + " is attached to "
                                + draft.state.gatewayName(held.gatewayId())
                                + ", which lives: detach it there, migrate it, or take it over");
        Decision.YieldQuestion question =
                mode == Command.Attach.Mode.NORMAL
                        ? new Decision.YieldQuestion(
                                volume.volumeId(), held.gatewayId(), held.term())
                        : null;
        return new Decision(List.of(), refusal, question);
    }

    static Decision detach(Draft draft, Command.Detach command) {
        VolumeInfo volume = draft.state.volumes.get(command.volumeId());
        if (volume == null) {
            return VolumeRules.notThere(draft, command.volumeId(), volume);
        }
        Attachment held = volume.attachment();
        if (held == null && volume.lastTerm() == command.term()) {
            return draft.done();
        }
        if (held == null
                || held.gatewayId() != command.gatewayId()
                || held.term() != command.term()) {
            return draft.refused(
                    "not-attached",
                    "volume "
                            + volume.name()
                            + " is not attached to "
                            + draft.state.gatewayName(command.gatewayId())
                            + " with term "
                            + command.term());
        }
        return draft.add(set(volume, volume.lastTerm(), null, command.clean())).done();
    }

    static Decision migrate(Draft draft, Command.Migrate command) {
        VolumeInfo volume = draft.state.volumes.get(command.volumeId());
        if (volume == null || volume.deleted()) {
            return VolumeRules.notThere(draft, command.volumeId(), volume);
        }
        long to = command.toGatewayId();
        if (to != 0 && draft.state.gateways.get(to) == null) {
            return unknownGateway(draft, to);
        }
        Attachment held = volume.attachment();
        if (held == null) {
            return to == 0
                    ? draft.done()
                    : draft.refused(
                            "not-attached",
                            "volume " + volume.name() + " is not attached: nothing to migrate");
        }
        if (to == held.gatewayId()) {
            return draft.refused(
                    "already-there",
                    "volume "
                            + volume.name()
                            + " is attached to "
                            + draft.state.gatewayName(to)
                            + " already");
        }
        if (held.migrateTo() == to) {
            return draft.done();
        }
        Attachment marked = new Attachment(held.gatewayId(), held.term(), to);
        return draft.add(set(volume, volume.lastTerm(), marked, volume.cleanlyDetached())).done();
    }

    /// A gateway yields only what it has not written: how the attachment before it ended still
    /// holds.
    static Decision answerYield(Draft draft, Command.AnswerYield command) {
        VolumeInfo volume = draft.state.volumes.get(command.volumeId());
        if (volume == null) {
            return VolumeRules.notThere(draft, command.volumeId(), volume);
        }
        Attachment held = volume.attachment();
        if (command.yields()
                && held != null
                && held.gatewayId() == command.gatewayId()
                && held.term() == command.term()) {
            draft.add(set(volume, volume.lastTerm(), null, volume.cleanlyDetached()));
        }
        return draft.done();
    }

    private static Decision unknownGateway(Draft draft, long gatewayId) {
        return draft.refused("unknown-gateway", "there is no gateway with id " + gatewayId);
    }

    private static GroupRecord set(
            VolumeInfo old, long lastTerm, @Nullable Attachment attachment, boolean clean) {
        return new GroupRecord.VolumeSet(
                new VolumeInfo(
                        old.volumeId(),
                        old.name(),
                        old.sizeBytes(),
                        old.durability(),
                        old.snapshotSequence(),
                        lastTerm,
                        attachment,
                        clean,
                        old.createdAtMs(),
                        old.deletedAtMs(),
                        old.limits()));
    }
}
