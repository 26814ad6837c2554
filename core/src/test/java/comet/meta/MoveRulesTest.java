package comet.meta;

import static org.assertj.core.api.Assertions.assertThat;

import comet.cluster.Command;
import comet.cluster.Command.PgEpoch;
import comet.cluster.Command.PgMove;
import comet.cluster.DiskInfo;
import comet.cluster.DiskInfo.State;
import comet.cluster.DiskLife;
import comet.cluster.MemberState;
import comet.cluster.PgConfig;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// Single steps of moves: what the group allows, whoever asks for it. Disks 1 and 2 lie in rooms 1
/// and 2 and hold everything; 3 lies in room 1, too, 4 in room 3.
class MoveRulesTest extends GroupRig {
    @BeforeEach
    void fourDisks() {
        twoDisks();
        volume("v");
        add(3, 1, "room-1", 3);
        add(4, 2, "room-3", 4);
        for (int pg = 0; pg < PGS; pg++) {
            assertThat(map.pg(pg).members()).hasSize(2);
        }
    }

    private void add(int diskId, int nodeId, String domain, int uuid) {
        assertThat(id(new Command.AddDisk(nodeId, 100, uuid, domain, 1000))).isEqualTo(diskId);
        boot(register(diskId, 1, 0, false, false));
        aliveDisks.add(new DiskLife(diskId, 1));
    }

    private void silent(int diskId) {
        aliveDisks.removeIf(life -> life.diskId() == diskId);
    }

    private void start(int pg, int from, int to) {
        done(new Command.StartMoves(List.of(new PgMove(pg, map.pg(pg).epoch(), from, to))));
    }

    private void end(int pg) {
        done(new Command.EndMoves(List.of(now(pg))));
    }

    private void cancel(int pg) {
        done(new Command.CancelMoves(List.of(now(pg))));
    }

    private PgEpoch now(int pg) {
        return new PgEpoch(pg, map.pg(pg).epoch());
    }

    private void inSync(int pg, int diskId) {
        done(new Command.InSync(diskId, List.of(now(pg))));
    }

    private List<Integer> members(int pg) {
        return map.pg(pg).members().stream().map(PgConfig.Member::diskId).toList();
    }

    private void unchanged(Runnable step) {
        long revision = group.revision();
        step.run();
        assertThat(group.revision()).isEqualTo(revision);
    }

    @Test
    void a_move_ends_only_when_the_new_member_is_in_sync() {
        start(0, 1, 3);
        assertThat(members(0)).containsExactly(1, 2, 3);
        assertThat(member(0, 3).state()).isEqualTo(MemberState.RECOVERING);
        assertThat(map.pg(0).move()).isEqualTo(new PgConfig.Move(1, 3));
        unchanged(() -> end(0));
        inSync(0, 3);
        assertThat(map.pg(0).move()).as("a promotion keeps the move").isNotNull();
        end(0);
        assertThat(members(0)).containsExactly(2, 3);
        assertThat(map.pg(0).move()).isNull();
        assertThat(map.pg(0).inSyncCount()).isEqualTo(2);
    }

    @Test
    void a_step_of_another_epoch_is_left_out() {
        PgMove late = new PgMove(0, map.pg(0).epoch() - 1, 1, 3);
        unchanged(() -> done(new Command.StartMoves(List.of(late))));
        start(0, 1, 3);
        unchanged(() -> done(new Command.EndMoves(List.of(new PgEpoch(0, 1)))));
        unchanged(() -> done(new Command.CancelMoves(List.of(new PgEpoch(0, 1)))));
        unchanged(() -> done(new Command.StartMoves(List.of(new PgMove(99, 1, 1, 3)))));
    }

    @Test
    void nobody_joins_who_is_dead_unknown_draining_a_member_or_in_a_taken_domain() {
        unchanged(() -> start(0, 1, 9));
        unchanged(() -> start(0, 1, 2));
        unchanged(() -> start(0, 2, 3));
        unchanged(() -> start(0, 0, 4));
        unchanged(() -> start(0, 3, 4));
        silent(3);
        unchanged(() -> start(0, 1, 3));
        aliveDisks.add(new DiskLife(3, 1));
        done(new Command.SetDiskStates(List.of(3), State.DRAINING));
        unchanged(() -> start(0, 1, 3));
        start(0, 1, 4);
        unchanged(() -> start(0, 2, 4));
        unchanged(() -> start(0, 1, 4));
        assertThat(members(0)).containsExactly(1, 2, 4);
    }

    @Test
    void nothing_moves_where_nobody_lives_to_copy_from() {
        silent(1);
        silent(2);
        unchanged(() -> start(0, 1, 3));
    }

    @Test
    void as_many_copies_as_configured_stay_in_sync() {
        start(0, 1, 4);
        inSync(0, 4);
        silent(2);
        unchanged(() -> end(0));
        done(new Command.Unreachable(2, 1, Command.Unreachable.SILENT));
        assertThat(member(0, 2).state()).isEqualTo(MemberState.STALE);
        unchanged(() -> end(0));
        aliveDisks.add(new DiskLife(2, 1));
        done(new Command.Recovering(2, 1));
        unchanged(() -> end(0));
        inSync(0, 2);
        end(0);
        assertThat(members(0)).containsExactly(2, 4);
    }

    @Test
    void one_that_was_left_behind_is_forgotten_once_its_successor_is_in_sync() {
        silent(1);
        done(new Command.Unreachable(1, 1, Command.Unreachable.SILENT));
        start(0, 1, 4);
        unchanged(() -> end(0));
        assertThat(member(0, 1).state()).isEqualTo(MemberState.STALE);
        inSync(0, 4);
        silent(4);
        unchanged(() -> end(0));
        aliveDisks.add(new DiskLife(4, 1));
        end(0);
        assertThat(members(0)).containsExactly(2, 4);
    }

    @Test
    void the_one_that_joined_takes_the_place_of_a_member_that_was_lost_meanwhile() {
        start(0, 1, 4);
        inSync(0, 4);
        unchanged(() -> start(0, 2, 4));
        silent(2);
        done(new Command.Unreachable(2, 1, Command.Unreachable.SILENT));
        start(0, 2, 4);
        assertThat(map.pg(0).move()).isEqualTo(new PgConfig.Move(2, 4));
        end(0);
        assertThat(members(0)).containsExactly(1, 4);
        assertThat(map.pg(0).inSyncCount()).isEqualTo(2);
    }

    /// Two of one domain cannot both stay.
    @Test
    void it_does_not_where_it_shares_its_domain_with_another() {
        start(0, 1, 3);
        inSync(0, 3);
        silent(2);
        done(new Command.Unreachable(2, 1, Command.Unreachable.SILENT));
        unchanged(() -> start(0, 2, 3));
        // But then the domain keeps its copy without the one that leaves.
        end(0);
        assertThat(members(0)).containsExactly(2, 3);
    }

    @Test
    void a_move_is_taken_back_only_before_the_new_member_is_in_sync() {
        start(0, 1, 3);
        cancel(0);
        assertThat(members(0)).containsExactly(1, 2);
        assertThat(map.pg(0).move()).isNull();
        start(0, 1, 3);
        inSync(0, 3);
        unchanged(() -> cancel(0));
        unchanged(() -> cancel(1));
    }

    @Test
    void a_new_disk_leaves_moves_alone() {
        start(0, 1, 3);
        PgConfig before = map.pg(0);
        add(5, 1, "room-5", 5);
        assertThat(map.pg(0)).isEqualTo(before);
        assertThat(map.pg(1).members()).hasSize(2);
    }

    @Test
    void a_disk_is_removed_when_its_last_group_has_left() {
        done(new Command.SetDiskStates(List.of(1), State.REMOVING));
        for (int pg = 0; pg < PGS; pg++) {
            assertThat(found(map.disk(1)).state()).isEqualTo(State.REMOVING);
            start(pg, 1, pg % 2 == 0 ? 3 : 4);
            inSync(pg, pg % 2 == 0 ? 3 : 4);
            end(pg);
        }
        assertThat(found(map.disk(1)).state()).isEqualTo(State.REMOVED);
        refused("removed-disk", new Command.SetDiskStates(List.of(1), State.ACTIVE));
        refused("removed-disk", new Command.SetDiskWeight(1, 5));
        refused("removed-disk", register(1, 2, 1, true, false));
    }

    /// Asked for in one go: one group may leave, another not yet.
    @Test
    void a_disk_is_not_removed_while_a_group_of_the_same_step_stays() {
        done(new Command.SetDiskStates(List.of(1), State.REMOVING));
        for (int pg = 0; pg < PGS; pg++) {
            start(pg, 1, 3);
            if (pg > 1) {
                inSync(pg, 3);
                end(pg);
            }
        }
        inSync(0, 3);
        done(new Command.EndMoves(List.of(now(0), now(1))));
        assertThat(members(0)).containsExactly(2, 3);
        assertThat(members(1)).containsExactly(1, 2, 3);
        assertThat(found(map.disk(1)).state()).isEqualTo(State.REMOVING);
    }

    @Test
    void a_disk_that_was_to_join_is_removed_when_that_is_taken_back() {
        start(0, 1, 3);
        done(new Command.SetDiskStates(List.of(3), State.REMOVING));
        assertThat(found(map.disk(3)).state()).isEqualTo(State.REMOVING);
        cancel(0);
        assertThat(found(map.disk(3)).state()).isEqualTo(State.REMOVED);
    }

    @Test
    void disks_are_not_emptied_where_too_few_domains_would_be_left() {
        refused("too-few-domains", new Command.SetDiskStates(List.of(1, 2, 3), State.DRAINING));
        done(new Command.SetDiskStates(List.of(1, 3), State.DRAINING));
        refused("too-few-domains", new Command.SetDiskStates(List.of(2), State.REMOVING));
        done(new Command.SetDiskStates(List.of(3), State.ACTIVE));
        done(new Command.SetDiskStates(List.of(2), State.REMOVING));
        assertThat(found(map.disk(2)).state()).isEqualTo(State.REMOVING);
    }

    /// It holds nothing yet, but is the only place for what another one has to give.
    @Test
    void a_disk_that_others_are_emptied_to_stays() {
        done(new Command.SetDiskStates(List.of(4, 1), State.DRAINING));
        refused("too-few-domains", new Command.SetDiskStates(List.of(3), State.DRAINING));
        refused("too-few-domains", new Command.SetDiskStates(List.of(3), State.REMOVING));
        done(new Command.SetDiskStates(List.of(4), State.ACTIVE));
        done(new Command.SetDiskStates(List.of(3), State.DRAINING));
    }

    @Test
    void what_holds_nothing_is_removed_at_once() {
        done(new Command.SetDiskStates(List.of(3, 4), State.REMOVING));
        assertThat(found(map.disk(3)).state()).isEqualTo(State.REMOVED);
        assertThat(found(map.disk(4)).state()).isEqualTo(State.REMOVED);
    }

    @Test
    void a_disk_takes_the_place_of_another_one() {
        long idle = id(new Command.AddDisk(1, 100, 9, "room-1", 1000, true));
        DiskInfo info = found(map.disk((int) idle));
        assertThat(info.state()).isEqualTo(State.DRAINING);
        refused("disk-not-started", new Command.ReplaceDisk(1, (int) idle));
        boot(new Command.RegisterDisk((int) idle, 100, 9, 1, 0, false, false));
        refused("other-domain", new Command.ReplaceDisk(2, (int) idle));
        refused("same-disk", new Command.ReplaceDisk(1, 1));
        refused("unknown-disk", new Command.ReplaceDisk(1, 77));
        done(new Command.ReplaceDisk(1, (int) idle));
        assertThat(found(map.disk((int) idle)).state()).isEqualTo(State.ACTIVE);
        assertThat(found(map.disk(1)).state()).isEqualTo(State.REMOVING);
    }

    @Test
    void nodes_are_removed_when_their_disks_are_and_come_back_by_starting() {
        refused("node-not-empty", new Command.RemoveNode(1));
        refused("unknown-node", new Command.RemoveNode(9));
        long node = id(new Command.RegisterNode("extra", "room-9", "h", List.of("h:9")));
        done(new Command.SetMaintenance((int) node, 500));
        assertThat(found(map.node((int) node)).inMaintenance(499)).isTrue();
        assertThat(found(map.node((int) node)).inMaintenance(500)).isFalse();
        id(new Command.RegisterNode("extra", "room-9", "h", List.of("h:10")));
        assertThat(found(map.node((int) node)).maintenanceUntilMs()).isEqualTo(500);
        done(new Command.RemoveNode((int) node));
        assertThat(found(map.node((int) node)).removed()).isTrue();
        refused("unknown-node", new Command.SetMaintenance((int) node, 1));
        assertThat(id(new Command.RegisterNode("extra", "room-9", "h", List.of("h:9"))))
                .isEqualTo(node);
        assertThat(found(map.node((int) node)).removed()).isFalse();
    }
}
