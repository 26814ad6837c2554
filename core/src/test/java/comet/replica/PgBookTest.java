package comet.replica;

import static comet.replica.TestClient.chunkIn;
import static org.assertj.core.api.Assertions.assertThat;

import comet.base.Versions;
import comet.cluster.Incarnation;
import comet.cluster.MemberState;
import comet.cluster.PgConfig;
import comet.cluster.PgConfig.Member;
import comet.replica.ApplyRules.Role;
import comet.wire.Lane;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/// What a disk has to write down before it acts upon it, and whom it does not believe afterwards.
class PgBookTest {
    private static final long SYNC_MS = 50;

    private final Harness harness = Harness.healthy(3);

    /// From now on it takes a while until something is noted on disk 1.
    private void slowBook() {
        harness.store(1).noteSyncNs = SYNC_MS * 1_000_000;
    }

    private Member inSync(int disk) {
        return harness.member(disk, MemberState.IN_SYNC);
    }

    private long noted(int pg) {
        for (PgConfig config : PgBook.read(harness.store(1), Harness.PGS)) {
            if (config.pg() == pg) {
                return config.epoch();
            }
        }
        return 0;
    }

    @Test
    void a_member_in_sync_acts_in_an_epoch_only_once_that_is_written_down() {
        TestClient client = harness.connect(1, Lane.WRITE);
        client.open(5);
        slowBook();
        long before = harness.epoch(0);
        harness.meta.setPg(0, inSync(1), inSync(2));
        client.sendWrite(chunkIn(0, 0), 1, 1, 0, Versions.of(5, 1), 7);
        harness.loop.advanceMs(SYNC_MS - 1);
        assertThat(harness.disk(1).epoch(0)).isEqualTo(before);
        assertThat(client.inbox).as("asked in an epoch that is not noted yet").isEmpty();
        assertThat(harness.disk(2).epoch(0)).as("with a quick book").isEqualTo(before + 1);
        harness.loop.advanceMs(2);
        assertThat(harness.disk(1).epoch(0)).isEqualTo(before + 1);
        assertThat(client.written().status()).isZero();
        assertThat(noted(0)).isEqualTo(before + 1);
    }

    /// Whoever is promoted has been RECOVERING until then.
    @Test
    void a_promotion_counts_only_once_it_is_written_down() {
        harness.meta.setPg(0, inSync(2), harness.member(1, MemberState.STALE));
        harness.loop.run();
        slowBook();
        harness.meta.setPg(0, inSync(2), inSync(1));
        harness.loop.advanceMs(SYNC_MS - 1);
        assertThat(harness.disk(1).role(0)).isEqualTo(Role.NONE);
        harness.loop.advanceMs(2);
        assertThat(harness.disk(1).role(0)).isEqualTo(Role.IN_SYNC);
    }

    @Test
    void the_only_member_in_sync_waits_for_its_book_too() {
        slowBook();
        long before = harness.epoch(0);
        harness.meta.setPg(0, inSync(1));
        harness.loop.advanceMs(SYNC_MS - 1);
        assertThat(harness.disk(1).epoch(0)).isEqualTo(before);
        harness.loop.advanceMs(2);
        assertThat(harness.disk(1).epoch(0)).isEqualTo(before + 1);
    }

    @Test
    void that_it_is_no_member_in_sync_any_more_holds_at_once() {
        slowBook();
        harness.meta.setPg(0, inSync(2), inSync(3));
        harness.meta.setPg(1, inSync(2), harness.member(1, MemberState.STALE));
        harness.loop.run();
        assertThat(harness.disk(1).role(0)).isEqualTo(Role.NONE);
        assertThat(harness.disk(1).role(1)).isEqualTo(Role.NONE);
        harness.loop.advanceMs(SYNC_MS + 1);
        assertThat(noted(0)).as("that it left").isEqualTo(harness.epoch(0));
    }

    @Test
    void a_disk_serves_only_once_all_is_written_down_that_it_starts_with() {
        harness.stopClean(1);
        slowBook();
        harness.meta.bump(0);
        harness.start(1, true);
        harness.loop.advanceMs(SYNC_MS - 1);
        assertThat(harness.disk(1).serving()).isFalse();
        harness.loop.advanceMs(2);
        assertThat(harness.disk(1).serving()).isTrue();
        assertThat(harness.disk(1).role(0)).isEqualTo(Role.IN_SYNC);
    }

    /// The metadata group was made anew from something older than what the disk has acted upon.
    @Test
    void a_disk_refuses_a_map_with_an_epoch_below_its_own() {
        harness.meta.bump(0);
        harness.loop.run();
        long known = harness.epoch(0);
        harness.stopClean(1);
        harness.meta.setPg(new PgConfig(0, known - 1, harness.meta.pg(0).members()));
        harness.start(1, true);
        harness.loop.run();
        assertThat(harness.disk(1).serving()).isFalse();
        assertThat(harness.disk(1).refused()).isTrue();
        assertThat(harness.hasEvent("disk-refused disk=1 code=older-group")).isTrue();
        assertThat(noted(0)).as("it goes by what it knows").isEqualTo(known);
        assertThat(harness.connect(1, Lane.WRITE).helloStatus).isNotZero();
    }

    @Test
    void a_disk_takes_a_map_with_the_epochs_that_it_knows() {
        harness.stopClean(1);
        harness.start(1, true);
        harness.loop.run();
        assertThat(harness.disk(1).serving()).isTrue();
        assertThat(harness.hasEvent("older-group")).isFalse();
    }

    private void assertRefused(boolean refused) {
        assertThat(harness.disk(1).serving()).isNotEqualTo(refused);
        assertThat(harness.disk(1).refused()).isEqualTo(refused);
        assertThat(harness.hasEvent("code=older-group")).isEqualTo(refused);
    }

    /// The group was made anew from disks that have missed that.
    @Test
    void a_disk_that_has_left_is_not_taken_for_in_sync_by_a_group_that_forgot_it() {
        harness.meta.setPg(0, inSync(2), inSync(3));
        harness.loop.run();
        harness.stopClean(1);
        harness.meta.remade(0, inSync(1), harness.member(2, MemberState.STALE));
        harness.start(1, true);
        harness.loop.run();
        assertRefused(true);
        assertThat(harness.disk(1).unavailableWhy()).contains("made anew without this disk");
    }

    @Test
    void a_disk_that_was_left_behind_is_not_taken_for_in_sync_by_a_group_that_forgot_it() {
        harness.meta.setPg(0, inSync(2), harness.member(1, MemberState.STALE));
        harness.loop.run();
        harness.stopClean(1);
        harness.meta.remade(0, inSync(1), harness.member(2, MemberState.STALE));
        harness.start(1, true);
        harness.loop.run();
        assertRefused(true);
    }

    @Test
    void a_disk_goes_on_in_sync_where_it_was_so_before() {
        harness.stopClean(1);
        harness.meta.remade(0, inSync(1), harness.member(2, MemberState.STALE));
        harness.start(1, true);
        harness.loop.run();
        assertRefused(false);
    }

    @Test
    void a_disk_that_has_left_may_come_back_to_a_group_that_was_made_anew() {
        harness.meta.setPg(0, inSync(2), inSync(3));
        harness.loop.run();
        harness.stopClean(1);
        harness.meta.remade(0, inSync(2), inSync(3));
        harness.start(1, true);
        harness.loop.run();
        harness.meta.setPg(0, inSync(2), inSync(3), harness.member(1, MemberState.RECOVERING));
        harness.loop.advanceMs(2000);
        assertThat(harness.state(0, 1)).isEqualTo(MemberState.IN_SYNC);
        harness.stopClean(1);
        harness.start(1, true);
        harness.loop.run();
        assertRefused(false);
    }

    /// Two groups that know nothing of each other, each made from some of the disks.
    private void servedAndRemade(long served, long then) {
        harness.stopClean(1);
        harness.meta.remade(served, 0, inSync(1), inSync(2));
        harness.start(1, true);
        harness.loop.run();
        assertRefused(false);
        harness.stopClean(1);
        harness.meta.remade(then, 0, inSync(1), inSync(2));
        harness.start(1, true);
        harness.loop.run();
    }

    @Test
    void a_disk_refuses_a_group_that_was_made_beside_the_one_it_has_served() {
        servedAndRemade(Incarnation.make(1, 7), Incarnation.make(1, 8));
        assertRefused(true);
        assertThat(harness.disk(1).unavailableWhy()).contains("beside");
    }

    @Test
    void a_disk_refuses_a_group_that_was_given_up() {
        servedAndRemade(Incarnation.make(2, 7), Incarnation.make(1, 8));
        assertRefused(true);
        assertThat(harness.disk(1).unavailableWhy()).contains("its old members must not run");
    }

    @Test
    void a_disk_goes_on_in_a_group_that_was_made_after_the_one_it_has_served() {
        servedAndRemade(Incarnation.make(1, 8), Incarnation.make(2, 7));
        assertRefused(false);
    }

    @Test
    void a_disk_goes_on_in_groups_of_before_they_were_told_apart() {
        servedAndRemade(1, 2);
        assertRefused(false);
    }

    /// Else its book could say that it is none while the group says that it is in sync.
    @Test
    void who_recovers_is_promoted_only_once_its_book_says_that_it_is_a_member() {
        harness.store(1).noteSyncNs = 5_000_000_000L;
        harness.recovering(0, 1);
        harness.loop.advanceMs(4900);
        assertThat(harness.state(0, 1)).isEqualTo(MemberState.RECOVERING);
        harness.loop.advanceMs(1000);
        assertThat(harness.state(0, 1)).isEqualTo(MemberState.IN_SYNC);
    }

    /// New epochs come faster than they can be written down, one by one.
    @Test
    void who_waits_for_what_is_known_does_not_wait_for_what_comes_later() {
        slowBook();
        List<Long> epochs = new ArrayList<>();
        harness.meta.bump(0);
        harness.loop.run();
        long asked = harness.epoch(0);
        harness.disk(1).whenNoted(() -> epochs.add(noted(0)));
        for (int n = 0; n < 30; n++) {
            assertThat(epochs.isEmpty() || n * 10 >= SYNC_MS).isTrue();
            harness.meta.bump(n % 2);
            harness.loop.advanceMs(10);
        }
        assertThat(epochs).hasSize(1);
        assertThat(epochs.getFirst()).isGreaterThanOrEqualTo(asked);
    }

    /// It was asked in the middle of a round that does not have it all.
    @Test
    void who_waits_is_told_only_when_what_was_known_is_durable() {
        slowBook();
        harness.meta.bump(0);
        harness.loop.advanceMs(10);
        harness.meta.bump(1);
        harness.loop.run();
        List<Long> epochs = new ArrayList<>();
        harness.disk(1).whenNoted(() -> epochs.add(harness.disk(1).epoch(1)));
        harness.loop.advanceMs(SYNC_MS - 9);
        assertThat(epochs).as("the round before is over").isEmpty();
        harness.loop.advanceMs(SYNC_MS);
        assertThat(epochs).containsExactly(harness.epoch(1));
    }

    @Test
    void nobody_waits_for_a_disk_that_has_failed() {
        slowBook();
        harness.meta.bump(0);
        harness.loop.run();
        List<Integer> told = new ArrayList<>();
        harness.disk(1).whenNoted(() -> told.add(1));
        harness.store(1).failed = true;
        harness.disk(1).whenNoted(() -> told.add(2));
        assertThat(told).as("asked later").containsExactly(2);
        harness.loop.advanceMs(SYNC_MS + 1);
        assertThat(told).as("asked before").containsExactly(2, 1);
    }
}
