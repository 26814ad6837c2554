package comet.meta;

import comet.base.Sizes;
import comet.cluster.Command;
import comet.cluster.VolumeInfo;
import comet.cluster.VolumeInfo.Attachment;
import comet.cluster.VolumeLimits;
import org.jspecify.annotations.Nullable;

/// The catalogue of volumes.
final class VolumeRules {
    private VolumeRules() {}

    static Decision create(Draft draft, Command.CreateVolume command) {
        String fault = Names.fault("volume name", command.name());
        if (fault != null) {
            return draft.refused("invalid-name", fault);
        }
        String sizeFault = sizeFault(command.sizeBytes());
        if (sizeFault != null) {
            return draft.refused("invalid-size", sizeFault);
        }
        String limitsFault = limitsFault(command.limits());
        if (limitsFault != null) {
            return draft.refused("invalid-limits", limitsFault);
        }
        if (draft.state.livingVolume(command.name()) != null) {
            return nameTaken(draft, command.name());
        }
        if (draft.state.volumes.size() >= Limits.VOLUMES_MAX) {
            return draft.refused("limit", "no more than " + Limits.VOLUMES_MAX + " volumes");
        }
        VolumeInfo volume =
                new VolumeInfo(
                        draft.state.nextVolumeId,
                        command.name(),
                        command.sizeBytes(),
                        command.durability(),
                        1,
                        0,
                        null,
                        true,
                        command.nowMs(),
                        0,
                        command.limits());
        return draft.add(new GroupRecord.VolumeSet(volume)).id(volume.volumeId());
    }

    private static @Nullable String sizeFault(long sizeBytes) {
        if (sizeBytes <= 0) {
            return "a volume's size must be above 0, not " + sizeBytes;
        }
        if (sizeBytes % Sizes.BLOCK_BYTES != 0) {
            return "a volume's size must be a multiple of 4096 bytes, not " + sizeBytes;
        }
        if (sizeBytes > Sizes.VOLUME_BYTES_MAX) {
            return "a volume has at most 64 TiB (" + Sizes.VOLUME_BYTES_MAX + "), not " + sizeBytes;
        }
        return null;
    }

    private static @Nullable String limitsFault(VolumeLimits limits) {
        if (limits.iops() < 0 || limits.iops() > VolumeLimits.IOPS_MAX) {
            return "a limit of requests is 0 (none) to 1,000,000,000 a second";
        }
        if (limits.bytesPerSecond() < 0
                || limits.bytesPerSecond() > VolumeLimits.BYTES_PER_SECOND_MAX) {
            return "a limit of bandwidth is 0 (none) to 1 TiB a second";
        }
        if (limits.burstSeconds() < 0 || limits.burstSeconds() > VolumeLimits.BURST_SECONDS_MAX) {
            return "a burst allowance is 0 to 3600 seconds";
        }
        return null;
    }

    static Decision limit(Draft draft, Command.LimitVolume command) {
        VolumeInfo volume = draft.state.volumes.get(command.volumeId());
        if (volume == null || volume.deleted()) {
            return notThere(draft, command.volumeId(), volume);
        }
        String fault = limitsFault(command.limits());
        if (fault != null) {
            return draft.refused("invalid-limits", fault);
        }
        if (!volume.limits().equals(command.limits())) {
            draft.add(new GroupRecord.VolumeSet(volume.withLimits(command.limits())));
        }
        return draft.done();
    }

    private static Decision nameTaken(Draft draft, String name) {
        return draft.refused("name-taken", "there is already a volume named " + name);
    }

    static Decision rename(Draft draft, Command.RenameVolume command) {
        VolumeInfo volume = draft.state.volumes.get(command.volumeId());
        if (volume == null || volume.deleted()) {
            return notThere(draft, command.volumeId(), volume);
        }
        String fault = Names.fault("volume name", command.name());
        if (fault != null) {
            return draft.refused("invalid-name", fault);
        }
        if (volume.name().equals(command.name())) {
            return draft.done();
        }
        if (draft.state.livingVolume(command.name()) != null) {
            return nameTaken(draft, command.name());
        }
        return draft.add(set(volume, command.name(), volume.sizeBytes(), volume.deletedAtMs()))
                .done();
    }

    static Decision resize(Draft draft, Command.ResizeVolume command) {
        VolumeInfo volume = draft.state.volumes.get(command.volumeId());
        if (volume == null || volume.deleted()) {
            return notThere(draft, command.volumeId(), volume);
        }
        String sizeFault = sizeFault(command.sizeBytes());
        if (sizeFault != null) {
            return draft.refused("invalid-size", sizeFault);
        }
        if (command.sizeBytes() < volume.sizeBytes()) {
            return draft.refused(
                    "shrinking",
                    "volume "
                            + volume.name()
                            + " has "
                            + volume.sizeBytes()
                            + " bytes and can only grow, not shrink to "
                            + command.sizeBytes());
        }
        if (command.sizeBytes() == volume.sizeBytes()) {
            return draft.done();
        }
        return draft.add(set(volume, volume.name(), command.sizeBytes(), volume.deletedAtMs()))
                .done();
    }

    static Decision delete(Draft draft, Command.DeleteVolume command) {
        VolumeInfo volume = draft.state.volumes.get(command.volumeId());
        if (volume == null) {
            return notThere(draft, command.volumeId(), volume);
        }
        if (volume.deleted()) {
            return draft.done();
        }
        Attachment attachment = volume.attachment();
        if (attachment != null) {
            return draft.refused(
                    "attached",
                    "volume "
                            + volume.name()
                            + " is attached to "
                            + draft.state.gatewayName(attachment.gatewayId())
                            + ": detach it first");
        }
        long deletedAtMs = Math.max(1, command.nowMs());
        return draft.add(set(volume, volume.name(), volume.sizeBytes(), deletedAtMs)).done();
    }

    static Decision restore(Draft draft, Command.RestoreVolume command) {
        VolumeInfo volume = draft.state.volumes.get(command.volumeId());
        if (volume == null) {
            return notThere(draft, command.volumeId(), volume);
        }
        if (!volume.deleted()) {
            return draft.done();
        }
        if (draft.state.livingVolume(volume.name()) != null) {
            return draft.refused(
                    "name-taken",
                    "the name "
                            + volume.name()
                            + " was taken by another volume since: rename that one first");
        }
        return draft.add(set(volume, volume.name(), volume.sizeBytes(), 0)).done();
    }

    static Decision purge(Draft draft, Command.PurgeVolume command) {
        VolumeInfo volume = draft.state.volumes.get(command.volumeId());
        if (volume == null) {
            boolean existed =
                    command.volumeId() > 0 && command.volumeId() < draft.state.nextVolumeId;
            return existed ? draft.done() : notThere(draft, command.volumeId(), volume);
        }
        if (!volume.deleted()) {
            return draft.refused(
                    "not-deleted",
                    "volume " + volume.name() + " lives: only deleted volumes can be purged");
        }
        return draft.add(new GroupRecord.VolumePurged(volume.volumeId())).done();
    }

    /// The refusal for a volume that does not exist or is deleted.
    static Decision notThere(Draft draft, long volumeId, @Nullable VolumeInfo volume) {
        return volume == null
                ? draft.refused("unknown-volume", "there is no volume with id " + volumeId)
                : draft.refused(
                        "deleted-volume",
                        "volume " + volume.name() + " is deleted: restore it first");
    }

    private static GroupRecord set(VolumeInfo old, String name, long sizeBytes, long deletedAtMs) {
        return new GroupRecord.VolumeSet(
                new VolumeInfo(
                        old.volumeId(),
                        name,
                        sizeBytes,
                        old.durability(),
                        old.snapshotSequence(),
                        old.lastTerm(),
                        old.attachment(),
                        old.cleanlyDetached(),
                        old.createdAtMs(),
                        deletedAtMs,
                        old.limits()));
    }
}
