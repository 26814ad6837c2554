package comet.meta;

import static org.assertj.core.api.Assertions.assertThat;

import comet.cluster.ClusterInfo;
import comet.cluster.ClusterMap;
import comet.cluster.Command;
import comet.cluster.DiskLife;
import comet.cluster.PgConfig.Member;
import comet.cluster.Reply;
import comet.cluster.VolumeInfo;
import comet.cluster.VolumeInfo.Durability;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// A group, what its leader knows of who lives, and the map that follows it.
abstract class GroupRig {
    static final int PGS = 16;
    static final long GIB = 1L << 30;

    final Group group = new Group();
    final ClusterMap map = new ClusterMap();
    final List<Long> aliveGateways = new ArrayList<>();
    final List<DiskLife> aliveDisks = new ArrayList<>();
    final List<DiskLife> ended = new ArrayList<>();
    boolean leaderIsNew;
    long sequence;
    long timeMs;
    Decision.@Nullable YieldQuestion question;

    Reply submit(Command command) {
        return submit(new Submission(7, ++sequence, command));
    }

    Reply submit(Submission submission) {
        Facts facts = new Facts(leaderIsNew, aliveGateways, aliveDisks, ended).of("m1", timeMs);
        GroupImage before = group.image();
        group.decide(submission, facts);
        assertThat(group.image()).as("deciding changes nothing").isEqualTo(before);
        Group.Applied applied = group.apply(List.of(submission), facts);
        if (applied.update() != null) {
            assertThat(map.apply(applied.update())).isTrue();
        }
        question = applied.decisions().getFirst().question();
        Reply reply = applied.decisions().getFirst().reply();
        assertThat(reply.revision()).isLessThanOrEqualTo(group.revision());
        return reply;
    }

    void refused(String code, Command command) {
        long revision = group.revision();
        Reply reply = submit(command);
        assertThat(reply).isInstanceOf(Reply.Refused.class);
        assertThat(((Reply.Refused) reply).code()).isEqualTo(code);
        assertThat(group.revision()).isEqualTo(revision);
    }

    long id(Command command) {
        Reply reply = submit(command);
        assertThat(reply).isInstanceOf(Reply.Id.class);
        return ((Reply.Id) reply).id();
    }

    long boot(Command command) {
        Reply reply = submit(command);
        assertThat(reply).isInstanceOf(Reply.DiskStarted.class);
        return ((Reply.DiskStarted) reply).bootId();
    }

    long term(Command command) {
        Reply reply = submit(command);
        assertThat(reply).isInstanceOf(Reply.Attached.class);
        return ((Reply.Attached) reply).term();
    }

    void done(Command command) {
        assertThat(submit(command)).isInstanceOf(Reply.Done.class);
    }

    void twoDisks() {
        done(new Command.CreateCluster(new ClusterInfo(1, 2, PGS, 2)));
        for (int i = 1; i <= 2; i++) {
            id(new Command.RegisterNode("node-" + i, "room-" + i, "host", List.of("h:" + i)));
            id(new Command.AddDisk(i, 100, i, "room-" + i, 1000));
            assertThat(boot(register(i, 1, 0, false, false))).isEqualTo(1);
            aliveDisks.add(new DiskLife(i, 1));
        }
    }

    long volume(String name) {
        return id(new Command.CreateVolume(name, GIB, Durability.FLUSH, 5));
    }

    static Command.RegisterDisk register(
            int diskId, long startCount, long bootId, boolean clean, boolean damaged) {
        return new Command.RegisterDisk(diskId, 100, diskId, startCount, bootId, clean, damaged);
    }

    static Command.RegisterGateway gateway(String name, String hostId) {
        return new Command.RegisterGateway(name, hostId, 1, name.charAt(0), 1);
    }

    VolumeInfo info(long volumeId) {
        VolumeInfo volume = map.volume(volumeId);
        if (volume == null) {
            throw new AssertionError("no volume " + volumeId);
        }
        return volume;
    }

    static <T> T found(@Nullable T value) {
        if (value == null) {
            throw new AssertionError("not found");
        }
        return value;
    }

    Member member(int pg, int diskId) {
        Member member = map.pg(pg).member(diskId);
        if (member == null) {
            throw new AssertionError("no member " + diskId + " in " + pg);
        }
        return member;
    }

    Submission by(long origin, Command command) {
        return new Submission(origin, ++sequence, command);
    }

    String code(long origin, Command command) {
        Reply reply = submit(by(origin, command));
        return reply instanceof Reply.Refused refused ? refused.code() : "";
    }
}
