package comet.meta;

import static org.assertj.core.api.Assertions.assertThat;

import comet.cluster.ClusterInfo;
import comet.cluster.Command;
import comet.cluster.DiskInfo;
import comet.cluster.DiskLife;
import comet.cluster.Incarnation;
import comet.cluster.MapUpdate;
import comet.cluster.MemberState;
import comet.cluster.NodeInfo;
import comet.cluster.PgConfig;
import comet.cluster.PgConfig.Member;
import comet.cluster.Reply;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/// Disks 1 and 3 lie in domain a, disk 2 in b.
class ForceRulesTest {
    private static final PgConfig LAST_COPY_LOST =
            new PgConfig(
                    0,
                    7,
                    List.of(
                            new Member(1, 1, MemberState.IN_SYNC),
                            new Member(2, 1, MemberState.STALE)));

    private static Group group(PgConfig pg) {
        List<DiskInfo> disks = new ArrayList<>();
        for (int id = 1; id <= 3; id++) {
            String domain = id == 2 ? "b" : "a";
            disks.add(new DiskInfo(id, 9, id, 1, domain, 1, id, id, DiskInfo.State.ACTIVE));
        }
        MapUpdate map =
                new MapUpdate(
                        0,
                        5,
                        new ClusterInfo(1, 2, 1, 2),
                        List.of(new NodeInfo(1, "n", "a", "h", List.of("x:1"))),
                        disks,
                        List.of(),
                        List.of(pg),
                        List.of(),
                        List.of(),
                        List.of());
        return new Group(
                new GroupImage(
                        map, 2, 4, 1, 2, List.of(), List.of(), List.of(), List.of(), List.of(),
                        List.of(), List.of()));
    }

    private static Reply force(Group group, boolean empty, boolean leaderIsNew, int... alive) {
        List<DiskLife> lives = new ArrayList<>();
        for (int disk : alive) {
            lives.add(new DiskLife(disk, disk));
        }
        Facts facts = new Facts(leaderIsNew, List.of(), lives, List.of());
        Command command = new Command.ForceAvailable(List.of(0), empty);
        return group.apply(List.of(new Submission(4, 1 + group.revision(), command)), facts)
                .decisions()
                .getFirst()
                .reply();
    }

    private static PgConfig pg(Group group) {
        return group.image().everything().pgs().getFirst();
    }

    private static String code(Reply reply) {
        return reply instanceof Reply.Refused refused ? refused.code() : "";
    }

    @Test
    void an_old_copy_takes_the_place_of_the_last_one_in_a_new_epoch() {
        Group group = group(LAST_COPY_LOST);
        assertThat(code(force(group, false, false, 2, 3))).isEmpty();
        assertThat(pg(group).epoch()).isEqualTo(8);
        assertThat(pg(group).members())
                .containsExactly(
                        new Member(1, 1, MemberState.STALE), new Member(2, 2, MemberState.IN_SYNC));
        GroupEvent told = group.eventsAfter(0).getLast();
        assertThat(told.code()).isEqualTo("data-loss-forced");
        assertThat(told.consequence()).contains("older copies of disks [2]").contains("[1]");
    }

    @Test
    void a_copy_in_sync_that_lives_or_may_is_never_given_up() {
        Group group = group(LAST_COPY_LOST);
        assertThat(code(force(group, true, false, 1, 2, 3))).isEqualTo(ForceRules.NOT_NEEDED);
        assertThat(code(force(group, true, true, 2, 3))).isEqualTo(DiskRules.WAIT_FOR_PEER);
        assertThat(pg(group)).isEqualTo(LAST_COPY_LOST);
    }

    @Test
    void without_any_copy_a_group_begins_anew_only_where_that_was_said() {
        Group group = group(LAST_COPY_LOST);
        assertThat(code(force(group, false, false, 3))).isEqualTo(ForceRules.NO_COPY_LIVES);
        assertThat(pg(group)).isEqualTo(LAST_COPY_LOST);
        assertThat(code(force(group, true, false, 3))).isEmpty();
        assertThat(pg(group).members()).containsExactly(new Member(3, 3, MemberState.IN_SYNC));
        assertThat(Incarnation.line(pg(group).epoch()))
                .as("what a disk has that comes back was not moved away from it")
                .isGreaterThan(Incarnation.line(LAST_COPY_LOST.epoch()));
        assertThat(group.eventsAfter(0).getLast().consequence()).contains("begin anew");
    }

    @Test
    void a_copy_that_recovers_is_newer_than_one_that_was_left_behind() {
        PgConfig three =
                new PgConfig(
                        0,
                        7,
                        List.of(
                                new Member(1, 1, MemberState.IN_SYNC),
                                new Member(2, 1, MemberState.STALE),
                                new Member(3, 3, MemberState.RECOVERING)));
        Group group = group(three);
        assertThat(code(force(group, false, false, 2, 3))).isEmpty();
        assertThat(pg(group).members())
                .containsExactly(
                        new Member(1, 1, MemberState.STALE),
                        new Member(2, 1, MemberState.STALE),
                        new Member(3, 3, MemberState.IN_SYNC));
    }
}
