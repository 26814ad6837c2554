package comet.cluster;

import comet.cluster.VolumeInfo.Durability;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// What a process asks the metadata group to decide. A command may arrive twice (see
/// [comet.port.MetaClient]).
public sealed interface Command {
    /// A PG in one of its epochs.
    record PgEpoch(int pg, long epoch) {}

    /// Whether only the leader of the group may ask for it: a client that does breaks the protocol.
    default boolean leadersOnly() {
        return this instanceof Unreachable
                || this instanceof StartMoves
                || this instanceof EndMoves
                || this instanceof CancelMoves
                || this instanceof SetMembers;
    }

    /// The cluster's first command; refused where one exists with another id.
    record CreateCluster(ClusterInfo cluster) implements Command {}

    /// The operator changes settings of the cluster, see [ClusterSetting]; all of them or none.
    record ChangeSettings(List<SettingValue> changes) implements Command {
        public ChangeSettings {
            changes = List.copyOf(changes);
        }
    }

    /// The members of the metadata group are these from now on; the log has changed its members
    /// already.
    ///
    /// @param cause why, for people; empty where nothing is to be said
    record SetMembers(List<GroupMember> members, String cause) implements Command {
        public SetMembers {
            members = List.copyOf(members);
        }
    }

    /// A node starts: known by its name, so a repeat gives the same id. Answer: [Reply.Id].
    record RegisterNode(String name, String domain, String hostId, List<String> addresses)
            implements Command {
        public RegisterNode {
            addresses = List.copyOf(addresses);
        }
    }

    /// A new disk, known by its uuid. Answer: [Reply.Id]. At its first [RegisterDisk] it gets PGs:
    /// where some lack members, and as long as no volume was ever created its fair share of all.
    /// Later its share moves to it.
    ///
    /// @param weight above 0
    /// @param idle it gets nothing (its state is DRAINING) until [SetDiskStates] or [ReplaceDisk]
    record AddDisk(
            int nodeId, long uuidHigh, long uuidLow, String domain, long weight, boolean idle)
            implements Command {
        public AddDisk(int nodeId, long uuidHigh, long uuidLow, String domain, long weight) {
            this(nodeId, uuidHigh, uuidLow, domain, weight, false);
        }
    }

    /// A disk has started and asks to serve. Answer: [Reply.DiskStarted], or [Reply.Refused]:
    /// `wait-for-peer` means that it is not known yet who else holds its data: ask again every half
    /// second; the other codes are final for this start (`older-copy` of its folder,
    /// `foreign-disk`, `removed-disk`, `unknown-disk`).
    ///
    /// @param startCount already durable on the disk; above every one used before
    /// @param bootId the boot id before, kept if `clean`
    /// @param clean the last stop was clean
    /// @param damaged durable journal records are damaged: not to be trusted as the only copy
    record RegisterDisk(
            int diskId,
            long uuidHigh,
            long uuidLow,
            long startCount,
            long bootId,
            boolean clean,
            boolean damaged)
            implements Command {}

    /// The operator's word: the disk may start and stay IN_SYNC at its next [RegisterDisk] although
    /// durable records of it are damaged and no other copy is at hand. Acknowledged writes may be
    /// lost.
    record AcceptDataLoss(int diskId) implements Command {}

    /// The operator's word: placement groups whose last copy in sync is gone for good go on from an
    /// old copy that lives. Acknowledged writes are lost. All of them or none; [Reply.Refused]
    /// `not-needed` where a copy in sync lives, `no-copy-lives` where no copy does.
    ///
    /// @param empty where no copy lives, not even an old one, the group begins anew with nothing
    record ForceAvailable(List<Integer> pgs, boolean empty) implements Command {
        public ForceAvailable {
            pgs = List.copyOf(pgs);
        }
    }

    /// Promotion of a recovering disk, per PG only where the epoch is still this one.
    ///
    /// @param copiedBytes that the disk has copied since it began to recover, for people only
    record InSync(int diskId, List<PgEpoch> pgs, long copiedBytes) implements Command {
        public InSync {
            pgs = List.copyOf(pgs);
        }

        public InSync(int diskId, List<PgEpoch> pgs) {
            this(diskId, pgs, 0);
        }
    }

    /// A new epoch with the same members, so that notes of writes that never reach the source can
    /// be dropped.
    record NewEpoch(int diskId, List<PgEpoch> pgs) implements Command {
        public NewEpoch {
            pgs = List.copyOf(pgs);
        }
    }

    /// The leader has found that this life of a disk does not answer: it becomes STALE in every PG
    /// that has another IN_SYNC member that lives; elsewhere nothing changes. Of the leader alone.
    ///
    /// @param why one of the words below, for people; missing in older entries
    record Unreachable(int diskId, long bootId, String why, List<Integer> pgs) implements Command {
        /// Its heartbeats stay out.
        public static final String SILENT = "silent";

        /// It says itself that it serves no longer.
        public static final String GONE = "gone";

        /// It does not answer gateways, nor the leader, or not most gateways.
        public static final String REPORTED = "reported";

        /// It answers gateways far slower than others do, for long.
        public static final String SLOW = "slow";

        public Unreachable {
            why = Objects.requireNonNullElse(why, "");
            pgs = pgs == null ? List.of() : List.copyOf(pgs);
        }

        /// In all placement groups where that is possible.
        public Unreachable(int diskId, long bootId, String why) {
            this(diskId, bootId, why, List.of());
        }
    }

    /// A disk is there, in this life of it, and has learned that it was left behind: it becomes
    /// RECOVERING wherever it is STALE.
    record Recovering(int diskId, long bootId) implements Command {}

    /// @param weight above 0
    record SetDiskWeight(int diskId, long weight) implements Command {}

    /// The operator's word on disks, all or none: ACTIVE, DRAINING or REMOVING; never REMOVED,
    /// which follows by itself. [Reply.Refused] `too-few-domains` where what would be left could
    /// not hold as many copies.
    record SetDiskStates(List<Integer> diskIds, DiskInfo.State state) implements Command {
        public SetDiskStates {
            diskIds = List.copyOf(diskIds);
        }
    }

    /// A disk takes the place of another one in the same domain, which is removed.
    record ReplaceDisk(int oldDiskId, int newDiskId) implements Command {}

    /// @param untilMs see [NodeInfo]
    record SetMaintenance(int nodeId, long untilMs) implements Command {}

    /// Forgets a node, whose disks were all removed before.
    record RemoveNode(int nodeId) implements Command {}

    /// A step that the leader has found to be next, see [PgConfig.Move].
    ///
    /// @param epoch in which it was found: else nothing is done
    record PgMove(int pg, long epoch, int from, int to) {}

    /// Begins moves: the disk that joins becomes a RECOVERING member. What does not hold any more
    /// is left out. Of the leader alone, like the next two.
    record StartMoves(List<PgMove> moves) implements Command {
        public StartMoves {
            moves = List.copyOf(moves);
        }
    }

    /// Ends moves: the disk that leaves is no member any more, where the one that joins is IN_SYNC
    /// and enough others are.
    record EndMoves(List<PgEpoch> pgs) implements Command {
        public EndMoves {
            pgs = List.copyOf(pgs);
        }
    }

    /// Takes moves back whose joining disk is not IN_SYNC: it is no member any more.
    record CancelMoves(List<PgEpoch> pgs) implements Command {
        public CancelMoves {
            pgs = List.copyOf(pgs);
        }
    }

    /// A gateway starts: known by the name in its config. Answer: [Reply.Id]; from then on only the
    /// asking life may attach volumes under that id. [Reply.Refused]: `gateway-lives` while another
    /// process of that name, with another folder, lives; `wait-for-gateway` where that is not known
    /// yet: ask again; `older-life` where a later start of the same folder is registered.
    ///
    /// @param folderHigh with `folderLow` the uuid of its folder
    /// @param startCount of its folder, already durable; above every one used before
    record RegisterGateway(
            String name, String hostId, long folderHigh, long folderLow, long startCount)
            implements Command {}

    /// Answer: [Reply.Id] with the volume's id.
    ///
    /// @param nowMs wall clock of the asker, for people only
    /// @param limits see [LimitVolume]
    record CreateVolume(
            String name, long sizeBytes, Durability durability, long nowMs, VolumeLimits limits)
            implements Command {
        public CreateVolume {
            limits = absent(limits) ? VolumeLimits.NONE : limits;
        }

        /// Of who knows of no limits.
        private static boolean absent(@Nullable Object field) {
            return field == null;
        }

        /// One without limits.
        public CreateVolume(String name, long sizeBytes, Durability durability, long nowMs) {
            this(name, sizeBytes, durability, nowMs, VolumeLimits.NONE);
        }
    }

    record RenameVolume(long volumeId, String name) implements Command {}

    /// Growing only, for now.
    record ResizeVolume(long volumeId, long sizeBytes) implements Command {}

    /// What its clients may ask for in a second from now on, attached or not.
    record LimitVolume(long volumeId, VolumeLimits limits) implements Command {}

    /// Refused while attached. Starts the grace period.
    record DeleteVolume(long volumeId, long nowMs) implements Command {}

    /// Ends the grace period; refused where the name was taken meanwhile.
    record RestoreVolume(long volumeId) implements Command {}

    /// Frees the space of a deleted volume, for ever.
    record PurgeVolume(long volumeId) implements Command {}

    /// A gateway wants to write a volume. Answer: [Reply.Attached], or [Reply.Refused] with code
    /// `attached-elsewhere`, or `older-life` where the asking process is not the gateway's newest.
    record Attach(long volumeId, long gatewayId, Mode mode) implements Command {
        public enum Mode {
            /// Refused while another live gateway holds the volume, unless it is marked as
            /// migrating to this one or its gateway, asked, yields.
            NORMAL,
            /// For a read: refused while another live gateway holds the volume, whatever its marks
            /// say, and nobody is asked to yield. Else as NORMAL.
            IF_FREE,
            /// The operator's word: whoever holds it is fenced.
            TAKEOVER
        }
    }

    /// Ends an attachment, only if the term is still the newest.
    ///
    /// @param clean all replicas are levelled and synced
    record Detach(long volumeId, long gatewayId, long term, boolean clean) implements Command {}

    /// Allows the next gateway to take the volume over with its first write; 0 takes that back.
    record Migrate(long volumeId, long toGatewayId) implements Command {}

    /// A gateway's answer to being asked for a volume it holds.
    record AnswerYield(long volumeId, long gatewayId, long term, boolean yields)
            implements Command {}

    /// An operator wants a placement group, or a disk, to be scrubbed now: see [ScrubOrder].
    /// Answer: [Reply.Id] with the order's id.
    ///
    /// @param pg -1: a disk
    /// @param nowMs wall clock of the asker, for people only
    record OrderScrub(int pg, int diskId, long nowMs) implements Command {}

    /// A disk has scrubbed all it has, or what was ordered.
    record Scrubbed(ScrubReport report) implements Command {}
}
