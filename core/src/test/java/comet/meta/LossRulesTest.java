package comet.meta;

import static org.assertj.core.api.Assertions.assertThat;

import comet.cluster.Command;
import comet.cluster.DiskLife;
import comet.cluster.MemberState;
import java.util.List;
import org.junit.jupiter.api.Test;

/// Which replicas the others may go on without, and how they come back.
class LossRulesTest extends GroupRig {
    private void silent(int diskId) {
        aliveDisks.removeIf(life -> life.diskId() == diskId);
    }

    private static Command unreachable(int diskId, long bootId) {
        return new Command.Unreachable(diskId, bootId, Command.Unreachable.SILENT);
    }

    private void assertStates(MemberState first, MemberState second) {
        for (int pg = 0; pg < PGS; pg++) {
            assertThat(member(pg, 1).state()).isEqualTo(first);
            assertThat(member(pg, 2).state()).isEqualTo(second);
        }
    }

    @Test
    void a_disk_that_does_not_answer_is_left_behind_in_a_new_epoch() {
        twoDisks();
        long epoch = map.pg(0).epoch();
        silent(2);
        done(unreachable(2, 1));
        assertStates(MemberState.IN_SYNC, MemberState.STALE);
        assertThat(map.pg(0).epoch()).isEqualTo(epoch + 1);
        long revision = group.revision();
        done(unreachable(2, 1));
        assertThat(group.revision()).as("once").isEqualTo(revision);
    }

    @Test
    void the_last_copy_is_never_left_behind() {
        twoDisks();
        silent(2);
        done(unreachable(2, 1));
        silent(1);
        done(unreachable(1, 1));
        assertStates(MemberState.IN_SYNC, MemberState.STALE);
    }

    @Test
    void nobody_is_left_behind_for_one_who_is_not_known_to_live() {
        twoDisks();
        silent(1);
        silent(2);
        done(unreachable(2, 1));
        assertStates(MemberState.IN_SYNC, MemberState.IN_SYNC);
        leaderIsNew = true;
        done(unreachable(2, 1));
        assertStates(MemberState.IN_SYNC, MemberState.IN_SYNC);
        // Another life of the first one than the group knows holds perhaps less.
        leaderIsNew = false;
        aliveDisks.add(new DiskLife(1, 2));
        done(unreachable(2, 1));
        assertStates(MemberState.IN_SYNC, MemberState.IN_SYNC);
    }

    @Test
    void a_recovering_replica_is_no_reason_to_go_on_without_its_source() {
        twoDisks();
        boot(register(2, 2, 1, false, false));
        silent(2);
        aliveDisks.add(new DiskLife(2, 2));
        assertStates(MemberState.IN_SYNC, MemberState.RECOVERING);
        silent(1);
        done(unreachable(1, 1));
        assertStates(MemberState.IN_SYNC, MemberState.RECOVERING);
        aliveDisks.add(new DiskLife(1, 1));
        silent(2);
        done(unreachable(2, 2));
        assertStates(MemberState.IN_SYNC, MemberState.STALE);
    }

    @Test
    void a_report_of_an_earlier_life_changes_nothing() {
        twoDisks();
        boot(register(2, 2, 1, false, false));
        long revision = group.revision();
        done(unreachable(2, 1));
        done(unreachable(9, 1));
        assertThat(group.revision()).isEqualTo(revision);
    }

    @Test
    void whoever_starts_again_recovers_where_it_was_left_behind() {
        for (boolean clean : List.of(true, false)) {
            LossRulesTest rig = new LossRulesTest();
            rig.twoDisks();
            rig.silent(2);
            rig.done(unreachable(2, 1));
            assertThat(rig.boot(register(2, 2, 1, clean, false))).isEqualTo(clean ? 1 : 2);
            rig.assertStates(MemberState.IN_SYNC, MemberState.RECOVERING);
            assertThat(rig.member(0, 2).bootId()).isEqualTo(clean ? 1 : 2);
        }
    }

    /// Also where the one with the data is away: nothing else could ever bring it back.
    @Test
    void it_recovers_also_while_its_source_is_away() {
        twoDisks();
        silent(2);
        done(unreachable(2, 1));
        silent(1);
        boot(register(2, 2, 1, false, false));
        assertStates(MemberState.IN_SYNC, MemberState.RECOVERING);
        boot(register(1, 2, 1, false, false));
        assertStates(MemberState.IN_SYNC, MemberState.RECOVERING);
    }

    @Test
    void whoever_lives_asks_to_come_back() {
        twoDisks();
        silent(2);
        done(unreachable(2, 1));
        refused("older-life", new Command.Recovering(2, 7));
        refused("older-life", new Command.Recovering(9, 1));
        done(new Command.Recovering(2, 1));
        assertStates(MemberState.IN_SYNC, MemberState.RECOVERING);
        long revision = group.revision();
        done(new Command.Recovering(2, 1));
        assertThat(group.revision()).isEqualTo(revision);
    }
}
