package comet.replica;

import static comet.replica.TestClient.chunkIn;
import static org.assertj.core.api.Assertions.assertThat;

import comet.base.Versions;
import comet.cluster.MemberState;
import comet.cluster.PgConfig;
import comet.cluster.PgConfig.Member;
import comet.wire.Lane;
import comet.wire.Status;
import java.util.List;
import org.junit.jupiter.api.Test;

/// Placement groups that were moved away: what a disk has of them goes, but only then. And from
/// whom the disk that joins copies.
class LeftoversTest {
    private static final int CHUNKS = 3 * Limits.LEFTOVER_STEP;

    private final Harness harness = Harness.healthy(3);

    /// Writes chunks of group 0 to all disks.
    private void fill() {
        for (int disk = 1; disk <= 3; disk++) {
            TestClient client = harness.connect(disk, Lane.WRITE);
            client.open(5);
            for (int n = 0; n < CHUNKS; n++) {
                assertThat(client.write(chunkIn(0, n), 1, 0, Versions.of(5, 1), 7).status())
                        .isZero();
            }
            client.write(chunkIn(1, 0), 1, 0, Versions.of(5, 1), 7);
            client.sync(0);
        }
    }

    private int chunks(int disk) {
        int[] count = new int[1];
        harness.store(disk)
                .chunksOfPg(
                        0,
                        -1,
                        -1,
                        _ -> {
                            count[0]++;
                            return true;
                        });
        return count[0];
    }

    private Member inSync(int disk) {
        return harness.member(disk, MemberState.IN_SYNC);
    }

    @Test
    void chunks_go_once_the_disk_is_no_member() {
        fill();
        harness.meta.setPg(0, inSync(1), inSync(2));
        harness.loop.advanceMs(100);
        assertThat(chunks(3)).as("not at once").isEqualTo(CHUNKS);
        harness.loop.advanceMs(110);
        assertThat(chunks(3)).as("a few at a time").isBetween(1, CHUNKS - 1);
        harness.loop.advanceMs(1000);
        assertThat(chunks(3)).isZero();
        assertThat(chunks(1)).isEqualTo(CHUNKS);
        assertThat(chunks(2)).isEqualTo(CHUNKS);
        assertThat(harness.store(3).chunk(1, chunkIn(1, 0))).as("of another group").isNotNull();
        assertThat(harness.hasEvent("moved-away-dropped disk=3 pgs=1 chunks=" + CHUNKS)).isTrue();
    }

    @Test
    void a_disk_that_was_left_behind_keeps_its_old_copy() {
        fill();
        harness.meta.setPg(0, inSync(1), inSync(2), harness.member(3, MemberState.STALE));
        harness.loop.advanceMs(400);
        assertThat(chunks(3)).isEqualTo(CHUNKS);
    }

    @Test
    void nothing_goes_before_the_map_is_known_to_be_new() {
        fill();
        harness.meta.setPg(0, inSync(1), inSync(2));
        harness.loop.run();
        harness.meta.reach(false);
        harness.loop.advanceMs(2000);
        assertThat(chunks(3)).isEqualTo(CHUNKS);
        harness.meta.reach(true);
        harness.loop.advanceMs(1000);
        assertThat(chunks(3)).isZero();
    }

    /// In the middle of it the disk is made a member again: what is left stays, what is gone is
    /// copied.
    @Test
    void a_disk_that_joins_again_recovers_what_it_has_dropped() {
        fill();
        harness.meta.setPg(0, inSync(1), inSync(2));
        harness.loop.advanceMs(210);
        int left = chunks(3);
        assertThat(left).isBetween(1, CHUNKS - 1);
        harness.recovering(0, 3);
        harness.loop.run();
        harness.loop.advanceMs(3000);
        assertThat(harness.state(0, 3)).isEqualTo(MemberState.IN_SYNC);
        assertThat(harness.store(3).picture(0)).isEqualTo(harness.store(1).picture(0));
    }

    @Test
    void a_disk_that_starts_goes_on_dropping() {
        fill();
        harness.meta.setPg(0, inSync(1), inSync(2));
        harness.loop.advanceMs(210);
        assertThat(chunks(3)).isPositive();
        harness.stopClean(3);
        harness.start(3, true);
        harness.loop.advanceMs(1000);
        assertThat(chunks(3)).isZero();
    }

    private void comeBackToGroupMadeAnew() {
        harness.stopClean(3);
        harness.meta.remade(0, inSync(1), inSync(2));
        harness.start(3, true);
        harness.loop.advanceMs(2000);
        assertThat(harness.disk(3).serving()).isTrue();
    }

    /// It may have the newest copy, and the group may have been made anew without it.
    @Test
    void a_group_that_was_made_anew_drops_nothing_that_it_may_not_know_of() {
        fill();
        comeBackToGroupMadeAnew();
        assertThat(chunks(3)).isEqualTo(CHUNKS);
        assertThat(harness.hasEvent("WARN old-copies-kept disk=3 pgs=1 first=0")).isTrue();
        assertThat(harness.disk(3).leftovers().keptCount()).isEqualTo(1);
        harness.meta.bump(0);
        harness.stopClean(3);
        harness.start(3, true);
        harness.loop.advanceMs(2000);
        assertThat(harness.disk(3).serving()).isTrue();
        assertThat(chunks(3)).as("after another start").isEqualTo(CHUNKS);
        // The group gives it the placement group again.
        harness.meta.setPg(0, inSync(1), inSync(2), harness.member(3, MemberState.RECOVERING));
        harness.loop.advanceMs(3000);
        assertThat(harness.hasEvent("WARN old-copy-given-up disk=3 pg=0")).isTrue();
        assertThat(harness.disk(3).leftovers().keptCount()).isZero();
        assertThat(harness.state(0, 3)).isEqualTo(MemberState.IN_SYNC);
        harness.meta.setPg(0, inSync(1), inSync(2));
        harness.loop.advanceMs(2000);
        assertThat(chunks(3)).as("left by a move").isZero();
    }

    /// It may have the last copy of what the operator has given up.
    @Test
    void a_group_that_was_begun_anew_by_force_drops_nothing_of_before() {
        fill();
        harness.stopClean(3);
        harness.meta.emptied(0, inSync(1), inSync(2));
        harness.start(3, true);
        harness.loop.advanceMs(2000);
        assertThat(harness.disk(3).serving()).isTrue();
        assertThat(chunks(3)).isEqualTo(CHUNKS);
        assertThat(harness.hasEvent("WARN old-copies-kept disk=3 pgs=1 first=0")).isTrue();
    }

    @Test
    void what_the_lost_group_had_moved_away_goes() {
        fill();
        harness.meta.setPg(0, inSync(1), inSync(2));
        harness.loop.advanceMs(100);
        comeBackToGroupMadeAnew();
        assertThat(chunks(3)).isZero();
        assertThat(harness.hasEvent("old-copies-kept")).isFalse();
    }

    @Test
    void a_disk_that_was_moved_away_never_answers_that_a_chunk_is_absent() {
        fill();
        TestClient reader = harness.connect(3, Lane.READ);
        harness.meta.setPg(0, inSync(1), inSync(2));
        harness.loop.advanceMs(2000);
        int chunk = chunkIn(0, 0);
        assertThat(reader.read(chunk, 1, 1, 0).status()).isEqualTo(Status.NOT_A_REPLICA);
    }

    /// Whose copy stays may be bad somewhere: the new one is made from the one that goes, so that
    /// between them nothing is lost.
    @Test
    void the_one_that_joins_copies_from_the_one_that_leaves() {
        fill();
        harness.meta.setPg(0, inSync(1), inSync(2));
        harness.loop.advanceMs(2000);
        harness.net.unlisten("1");
        List<Member> members =
                List.of(inSync(1), inSync(2), harness.member(3, MemberState.RECOVERING));
        long epoch = harness.epoch(0) + 1;
        harness.meta.setPg(new PgConfig(0, epoch, members, new PgConfig.Move(2, 3)));
        harness.loop.advanceMs(150);
        assertThat(chunks(3)).as("without asking the first").isPositive();
        harness.loop.advanceMs(2000);
        assertThat(chunks(3)).isEqualTo(CHUNKS);
    }
}
