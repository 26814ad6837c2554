package comet.meta;

import static org.assertj.core.api.Assertions.assertThat;

import comet.base.Prng;
import comet.cluster.ClusterInfo;
import comet.cluster.ClusterMap;
import comet.cluster.Command;
import comet.cluster.Command.PgEpoch;
import comet.cluster.DiskInfo;
import comet.cluster.DiskLife;
import comet.cluster.MapUpdate;
import comet.cluster.MemberState;
import comet.cluster.PgConfig;
import comet.cluster.PgConfig.Member;
import comet.cluster.Reply;
import comet.cluster.SettingValue;
import comet.cluster.VolumeInfo;
import comet.cluster.VolumeInfo.Durability;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Random commands, sensible and senseless, in random batches, some sent twice.
class GroupPropertyTest {
    private static final int PGS = 32;
    private static final List<Command.Attach.Mode> MODES = List.of(Command.Attach.Mode.values());

    private static final List<DiskInfo.State> STATES =
            List.of(
                    DiskInfo.State.ACTIVE,
                    DiskInfo.State.ACTIVE,
                    DiskInfo.State.DRAINING,
                    DiskInfo.State.REMOVING);

    private final Group group = new Group();
    private final Group follower = new Group();
    private final ClusterMap map = new ClusterMap();
    private final List<Submission> sent = new ArrayList<>();
    private final Map<String, Long> termByVolume = new HashMap<>();
    private long sequence;

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
    void random_commands_keep_what_must_hold(long seed) {
        Prng prng = new Prng(seed);
        Group restored = new Group();
        for (int step = 0; step < 600; step++) {
            List<Submission> batch = new ArrayList<>();
            int size = 1 + prng.nextInt(4);
            for (int i = 0; i < size; i++) {
                batch.add(submission(prng, step == 0 && i == 0));
            }
            Facts facts = facts(prng);
            ClusterMap before = copy(map);
            apply(batch, facts);
            restored.apply(batch, facts);
            if (prng.chance(1, 20)) {
                restored = new Group(restored.image());
            }
            checkMap(before);
            assertThat(follower.image()).isEqualTo(group.image());
            assertThat(restored.image()).isEqualTo(group.image());
        }
        assertThat(map.volumes()).isNotEmpty();
        assertThat(map.disks()).isNotEmpty();
    }

    private Submission submission(Prng prng, boolean first) {
        if (!sent.isEmpty() && prng.chance(1, 10)) {
            return sent.get(sent.size() - 1 - prng.nextInt(Math.min(20, sent.size())));
        }
        Command command =
                first ? new Command.CreateCluster(new ClusterInfo(3, 4, PGS, 2)) : command(prng);
        Submission submission = new Submission(1 + prng.nextInt(2), ++sequence, command);
        sent.add(submission);
        return submission;
    }

    /// Leader: decide and replay. Follower: replay alone. A receiver of updates: the same map.
    private void apply(List<Submission> batch, Facts facts) {
        ClusterMap old = copy(map);
        for (Submission submission : batch) {
            GroupImage before = group.image();
            Decision decision = group.decide(submission, facts);
            assertThat(group.image()).isEqualTo(before);
            assertThat(group.decide(submission, facts)).isEqualTo(decision);
            decision.records().forEach(group::replay);
            decision.records().forEach(follower::replay);
            checkReply(submission, decision.reply());
        }
        MapUpdate update = group.endEntry();
        assertThat(follower.endEntry()).isEqualTo(update);
        if (update != null) {
            assertThat(update.after()).isEqualTo(update.revision() - 1);
            assertThat(map.apply(update)).isTrue();
            assertThat(old.apply(group.changesAfter(old.revision()))).isTrue();
            assertThat(old.image()).isEqualTo(map.image());
        }
        ClusterMap learned = new ClusterMap();
        learned.apply(group.image().everything());
        assertThat(learned.image()).isEqualTo(map.image());
    }

    private void checkReply(Submission submission, Reply reply) {
        assertThat(reply.revision()).isLessThanOrEqualTo(group.revision() + 1);
        if (reply instanceof Reply.Attached attached
                && submission.command() instanceof Command.Attach attach) {
            String key = submission.origin() + "/" + submission.sequence();
            Long known = termByVolume.putIfAbsent(key, attached.term());
            assertThat(known == null || known == attached.term())
                    .as("the same submission gets the same term")
                    .isTrue();
            assertThat(attach.volumeId()).isPositive();
        }
    }

    private void checkMap(ClusterMap before) {
        HashSet<String> names = new HashSet<>();
        for (VolumeInfo volume : map.volumes()) {
            assertThat(volume.deleted() || names.add(volume.name())).isTrue();
            assertThat(volume.deleted() && volume.attachment() != null).isFalse();
            if (volume.attachment() != null) {
                assertThat(volume.attachment().term()).isLessThanOrEqualTo(volume.lastTerm());
            }
            VolumeInfo old = before.volume(volume.volumeId());
            assertThat(old == null || old.lastTerm() <= volume.lastTerm()).isTrue();
            assertThat(old == null || old.sizeBytes() <= volume.sizeBytes()).isTrue();
        }
        for (int i = 0; i < map.pgCount(); i++) {
            checkPg(before.exists() ? before.pg(i) : new PgConfig(i, 0, List.of()), map.pg(i));
        }
    }

    private void checkPg(PgConfig before, PgConfig after) {
        assertThat(after.epoch()).isGreaterThanOrEqualTo(before.epoch());
        if (after.epoch() == before.epoch()) {
            assertThat(after).isEqualTo(before);
        }
        HashSet<String> domains = new HashSet<>();
        for (Member member : after.members()) {
            boolean leaves = after.move() != null && after.move().from() == member.diskId();
            assertThat(leaves || domains.add(disk(member).domain())).isTrue();
            assertThat(member.bootId()).isEqualTo(disk(member).bootId());
            assertThat(disk(member).state()).isNotEqualTo(DiskInfo.State.REMOVED);
        }
        if (!after.members().isEmpty()) {
            assertThat(after.inSyncCount()).as("somebody has the data").isPositive();
        }
        int moving = before.move() == null ? 0 : 1;
        assertThat(after.members().size()).isGreaterThanOrEqualTo(before.members().size() - moving);
        assertThat(after.members().size()).isLessThanOrEqualTo(3);
    }

    private DiskInfo disk(Member member) {
        DiskInfo disk = map.disk(member.diskId());
        if (disk == null) {
            throw new AssertionError("no disk " + member.diskId());
        }
        return disk;
    }

    private Facts facts(Prng prng) {
        List<DiskLife> disks = new ArrayList<>();
        List<Long> gateways = new ArrayList<>();
        map.disks()
                .forEach(disk -> {
                    if (prng.chance(2, 3)) {
                        disks.add(new DiskLife(disk.diskId(), disk.bootId()));
                    }
                });
        map.gateways()
                .forEach(gateway -> {
                    if (prng.chance(1, 2)) {
                        gateways.add(gateway.gatewayId());
                    }
                });
        return new Facts(prng.chance(1, 5), gateways, disks, List.of());
    }

    private Command command(Prng prng) {
        long volumeId = prng.nextInt(12);
        long gatewayId = prng.nextInt(4);
        int diskId = prng.nextInt(7);
        String name = "n" + prng.nextInt(5);
        return switch (prng.nextInt(39)) {
            case 0 -> new Command.RegisterNode(name, "d" + prng.nextInt(3), "h", List.of());
            case 1 -> new Command.AddDisk(prng.nextInt(5), 1, diskId, "d" + diskId % 3, 1000);
            case 2, 3, 4, 5 -> registerDisk(prng, diskId);
            case 6, 7 -> new Command.InSync(diskId, epochs(prng, diskId));
            case 8 -> new Command.NewEpoch(diskId, epochs(prng, diskId));
            case 9 -> new Command.RegisterGateway(name, "h", 1, prng.nextInt(3), prng.nextInt(4));
            case 10, 11 ->
                    new Command.CreateVolume(
                            name, prng.nextInt(20) * 2048L, Durability.FLUSH, prng.nextInt(100));
            case 12 -> new Command.RenameVolume(volumeId, name);
            case 13 -> new Command.ResizeVolume(volumeId, prng.nextInt(20) * 4096L);
            case 14 -> new Command.DeleteVolume(volumeId, prng.nextInt(100));
            case 15 -> new Command.RestoreVolume(volumeId);
            case 16 -> new Command.PurgeVolume(volumeId);
            case 17, 18 ->
                    new Command.Attach(volumeId, gatewayId, MODES.get(prng.nextInt(MODES.size())));
            case 19 -> {
                VolumeInfo volume = map.volume(volumeId);
                long term = volume == null ? 1 : volume.lastTerm();
                yield prng.chance(1, 2)
                        ? new Command.Detach(volumeId, gatewayId, term, prng.chance(1, 2))
                        : new Command.AnswerYield(volumeId, gatewayId, term, prng.chance(1, 2));
            }
            case 20 -> new Command.Migrate(volumeId, gatewayId);
            case 21 -> new Command.AcceptDataLoss(diskId);
            case 25 ->
                    new Command.ChangeSettings(
                            List.of(new SettingValue("recovery-share", prng.nextInt(120) + "%")));
            case 22, 23, 24 ->
                    new Command.Unreachable(diskId, bootId(diskId), Command.Unreachable.SILENT);
            case 38 -> new Command.Recovering(diskId, bootId(diskId));
            case 26, 27, 28, 29 -> new Command.StartMoves(moves(prng));
            case 30, 31 -> new Command.EndMoves(moving(prng));
            case 32 -> new Command.CancelMoves(moving(prng));
            case 33 -> new Command.SetDiskWeight(diskId, prng.nextInt(3000));
            case 34, 35 ->
                    new Command.SetDiskStates(
                            List.of(diskId), STATES.get(prng.nextInt(STATES.size())));
            case 36 -> new Command.ReplaceDisk(diskId, prng.nextInt(7));
            default ->
                    prng.chance(1, 2)
                            ? new Command.RemoveNode(prng.nextInt(5))
                            : new Command.SetMaintenance(prng.nextInt(5), prng.nextInt(9));
        };
    }

    private List<Command.PgMove> moves(Prng prng) {
        List<Command.PgMove> moves = new ArrayList<>();
        for (int n = 0; n < 8; n++) {
            int pg = prng.nextInt(PGS);
            List<Member> members = pg < map.pgCount() ? map.pg(pg).members() : List.of();
            int from = members.isEmpty() ? 0 : members.get(prng.nextInt(members.size())).diskId();
            long epoch = pg < map.pgCount() ? map.pg(pg).epoch() : 1;
            moves.add(new Command.PgMove(pg, epoch, prng.chance(1, 8) ? 0 : from, prng.nextInt(7)));
        }
        return moves;
    }

    private List<PgEpoch> moving(Prng prng) {
        List<PgEpoch> epochs = new ArrayList<>();
        for (int pg = 0; pg < map.pgCount(); pg++) {
            if (map.pg(pg).move() != null && prng.chance(2, 3)) {
                epochs.add(new PgEpoch(pg, map.pg(pg).epoch()));
            }
        }
        return epochs;
    }

    private long bootId(int diskId) {
        DiskInfo disk = map.disk(diskId);
        return disk == null ? 1 : disk.bootId();
    }

    private Command registerDisk(Prng prng, int diskId) {
        var disk = map.disk(diskId);
        long startCount = disk == null ? 1 : disk.startCount() + prng.nextInt(3);
        long bootId = disk == null || prng.chance(1, 8) ? prng.nextInt(4) : disk.bootId();
        return new Command.RegisterDisk(
                diskId,
                1,
                disk == null ? 0 : disk.uuidLow(),
                startCount,
                bootId,
                prng.chance(1, 3),
                prng.chance(1, 10));
    }

    private List<PgEpoch> epochs(Prng prng, int diskId) {
        List<PgEpoch> epochs = new ArrayList<>();
        for (int pg = 0; pg < map.pgCount(); pg++) {
            Member member = map.pg(pg).member(diskId);
            if (member != null && member.state() == MemberState.RECOVERING && prng.chance(1, 2)) {
                epochs.add(new PgEpoch(pg, map.pg(pg).epoch() - (prng.chance(1, 6) ? 1 : 0)));
            }
        }
        epochs.add(new PgEpoch(prng.nextInt(PGS), prng.nextInt(9)));
        return epochs;
    }

    private static ClusterMap copy(ClusterMap map) {
        ClusterMap copy = new ClusterMap();
        copy.apply(map.image());
        return copy;
    }
}
