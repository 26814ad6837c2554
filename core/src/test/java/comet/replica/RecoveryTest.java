package comet.replica;

import static comet.replica.TestClient.chunkIn;
import static org.assertj.core.api.Assertions.assertThat;

import comet.base.Prng;
import comet.base.Versions;
import comet.cluster.Command;
import comet.cluster.MemberState;
import comet.wire.BlockState;
import comet.wire.Hello;
import comet.wire.Lane;
import comet.wire.MessageType;
import comet.wire.Status;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What happens until a replica that has lost something is IN_SYNC again.
class RecoveryTest {
    private final Harness harness = Harness.healthy(2);
    private TestClient one = harness.connect(1, Lane.WRITE);
    private TestClient two = harness.connect(2, Lane.WRITE);

    private static long v(long term, long count) {
        return Versions.of(term, count);
    }

    private void open(long term) {
        one.open(term);
        two.open(term);
    }

    private void both(int chunk, int block, long previous, long version, int fill) {
        assertThat(one.write(chunk, block, previous, version, fill).status()).isZero();
        assertThat(two.write(chunk, block, previous, version, fill).status()).isZero();
    }

    /// Kills disk 2 with the loss of what was not synced, and starts it again.
    private void crashTwo() {
        harness.kill(2, harness.store(2).durableSequence());
        harness.meta.alive.remove(2);
        harness.start(2);
        harness.loop.run();
    }

    private void assertRecovered() {
        harness.loop.advanceMs(2000);
        for (int pg = 0; pg < Harness.PGS; pg++) {
            assertThat(harness.state(pg, 2)).isEqualTo(MemberState.IN_SYNC);
            assertThat(harness.store(2).picture(pg)).isEqualTo(harness.store(1).picture(pg));
        }
        assertThat(harness.disk(2).holds().writes()).isZero();
        assertThat(harness.events).noneMatch(event -> event.startsWith("ERROR"));
    }

    @Test
    void a_restart_that_lost_its_unsynced_tail() {
        open(5);
        for (int chunk = 0; chunk < 20; chunk++) {
            both(chunk, 1, 0, v(5, 1), 10 + chunk);
        }
        assertThat(two.sync(0)).containsOnly(Status.OK);
        for (int chunk = 10; chunk < 30; chunk++) {
            long previous = chunk < 20 ? v(5, 1) : 0;
            long version = chunk < 20 ? v(5, 2) : v(5, 1);
            both(chunk, chunk, previous, version, 90);
        }
        both(5, 1, v(5, 1), v(5, 2), 0);
        crashTwo();
        assertThat(harness.state(0, 2)).isEqualTo(MemberState.RECOVERING);
        assertRecovered();
        assertThat(harness.disk(2).counters().chunksCopied).isEqualTo(21);
        assertThat(harness.hasEvent("replica-recovered")).isTrue();
        assertThat(harness.store(2).fence(1)).isEqualTo(5);
    }

    /// Writes of the chunk wait for the end of its copy alone.
    @Test
    void much_is_copied_while_writes_go_on() {
        open(5);
        int blocks = 200;
        both(1, 0, 0, v(5, 1), 1);
        two.sync(1);
        for (int n = 0; n < blocks; n++) {
            both(0, n, n == 0 ? 0 : v(5, n), v(5, n + 1), n + 1);
        }
        // So slow that it can be watched, above all where it ends.
        harness.meta.set("recovery-rate", "1M");
        harness.net.unlisten("1");
        crashTwo();
        two = harness.connect(2, Lane.WRITE);
        harness.net.listen("1", harness.server(1));
        one = harness.connect(1, Lane.WRITE);
        while (harness.disk(2).status().pullsActive() == 0) {
            harness.loop.advanceMs(1);
        }
        harness.loop.advanceMs(300);
        assertThat(harness.disk(2).status().pullsActive()).isEqualTo(1);
        assertThat(harness.disk(2).holds().held(1, 0)).isFalse();
        long next = v(5, blocks + 1);
        assertThat(two.write(0, 7, v(5, blocks), next, 3).status()).isEqualTo(Status.NOTED);
        assertThat(one.write(0, 7, v(5, blocks), next, 3).status()).isZero();
        assertRecovered();
        assertThat(harness.version(2, 0)).isEqualTo(next);
        assertThat(harness.disk(2).counters().bytesCopied / 4096)
                .isBetween((long) blocks, blocks + 1L);
    }

    /// Whatever the moment at which a block is written or trimmed while its chunk is copied.
    @Test
    void a_chunk_that_changes_while_it_is_copied_ends_equal() {
        for (int seed = 1; seed <= 1500; seed++) {
            copyUnderWrites(new Prng(seed));
        }
    }

    private static void copyUnderWrites(Prng prng) {
        Harness harness = Harness.healthy(2);
        int blocks = 40;
        TestClient one = harness.connect(1, Lane.WRITE);
        one.open(5);
        harness.connect(2, Lane.WRITE).open(5);
        one.fill(0, 5, blocks);
        harness.meta.set("recovery-rate", "4M");
        harness.kill(2, 0);
        harness.meta.alive.remove(2);
        harness.net.delayNs = 1 + prng.nextInt(3_000_000);
        harness.start(2);
        harness.loop.advanceMs(20);
        TestClient two = harness.connect(2, Lane.WRITE);
        int countMax = 1 + prng.nextInt(2000);
        int gapNs = 200_000 << prng.nextInt(6);
        List<int[]> writes = new ArrayList<>();
        while (harness.state(0, 2) == MemberState.RECOVERING && writes.size() < countMax) {
            harness.loop.advance(prng.nextInt(gapNs));
            writes.add(new int[] {prng.nextInt(blocks), prng.nextInt(3)});
            send(one, writes, writes.size() - 1, blocks);
            send(two, writes, writes.size() - 1, blocks);
        }
        harness.loop.advanceMs(3000);
        // What came with the epoch before is sent again, as clients do.
        for (int n = 0; n < writes.size(); n++) {
            send(one, writes, n, blocks);
            send(two, writes, n, blocks);
        }
        harness.loop.advanceMs(3000);
        assertThat(harness.state(0, 2)).isEqualTo(MemberState.IN_SYNC);
        for (int pg = 0; pg < Harness.PGS; pg++) {
            assertThat(harness.store(2).picture(pg)).isEqualTo(harness.store(1).picture(pg));
        }
        assertThat(harness.version(2, 0)).isEqualTo(v(5, blocks + writes.size()));
        assertThat(harness.hasEvent("block-copied-as-lost")).isFalse();
    }

    private static void send(TestClient client, List<int[]> writes, int n, long before) {
        int[] write = writes.get(n);
        client.sendWrite(0, write[0], 1, v(5, before + n), v(5, before + n + 1), write[1]);
    }

    /// Cut off, or standing still, for so long that the others went on.
    @Test
    void a_replica_that_was_left_behind_asks_to_come_back() {
        open(5);
        both(0, 1, 0, v(5, 1), 1);
        leaveTwoBehind();
        assertThat(two.write(0, 2, v(5, 1), v(5, 2), 2).status()).isNotZero();
        assertThat(one.write(0, 2, v(5, 1), v(5, 2), 2).status()).isZero();
        assertRecovered();
        assertThat(harness.hasEvent("replicas-left-behind")).isTrue();
    }

    @Test
    void one_that_is_left_behind_again_and_again_asks_later_each_time() {
        long pauseMs = 0;
        for (int time = 0; time < 9; time++) {
            leaveTwoBehind();
            long sinceNs = harness.loop.nowNs();
            while (harness.state(0, 2) == MemberState.STALE) {
                harness.loop.advanceMs(100);
            }
            long tookMs = (harness.loop.nowNs() - sinceNs) / 1_000_000;
            assertThat(tookMs).isGreaterThanOrEqualTo(Math.min(pauseMs * 3 / 2, 50_000));
            assertThat(tookMs).isLessThan(62_000);
            pauseMs = tookMs;
            assertRecovered();
        }
        assertThat(pauseMs).isGreaterThan(50_000);
    }

    private void leaveTwoBehind() {
        for (int pg = 0; pg < Harness.PGS; pg++) {
            harness.meta.setPg(
                    pg,
                    harness.member(1, MemberState.IN_SYNC),
                    harness.member(2, MemberState.STALE));
        }
        harness.loop.run();
    }

    @Test
    void what_the_source_has_wins_also_over_higher_versions() {
        open(5);
        both(0, 1, 0, v(5, 1), 1);
        assertThat(two.write(0, 2, v(5, 1), v(5, 2), 2).status()).isZero();
        int gone = chunkIn(1, 3);
        assertThat(two.write(gone, 2, 0, v(5, 1), 2).status()).isZero();
        two.sync(0);
        crashTwo();
        assertRecovered();
        assertThat(harness.store(2).chunk(1, gone)).isNull();
    }

    @Test
    void fences_are_taken_over_before_anything_else() {
        open(5);
        one.open(9);
        crashTwo();
        harness.loop.advanceMs(2000);
        assertThat(harness.store(2).fence(1)).isEqualTo(9);
    }

    @Test
    void a_recovering_replica_applies_what_it_can_and_notes_the_rest() {
        open(5);
        both(0, 1, 0, v(5, 1), 1);
        two.sync(0);
        both(0, 2, v(5, 1), v(5, 2), 2);
        harness.meta.pushes = false;
        crashTwo();
        harness.net.unlisten("1");
        harness.meta.pushes = true;
        two = harness.connect(2, Lane.WRITE);
        // It has 5.1 and lacks 5.2: a later write is noted, the missing one is applied.
        assertThat(two.write(0, 3, v(5, 2), v(5, 3), 3).status()).isEqualTo(Status.NOTED);
        assertThat(two.write(0, 2, v(5, 1), v(5, 2), 2).status()).isEqualTo(Status.OK);
        TestClient reader = harness.connect(2, Lane.READ);
        assertThat(reader.read(0, 1, 1, 0).status()).isEqualTo(Status.NOT_A_REPLICA);
        assertThat(two.sync(two.pg(0))).containsOnly(Status.OK);
        // The source never gets 5.3: no promotion while the client lives.
        harness.net.listen("1", harness.server(1));
        harness.loop.advanceMs(5000);
        assertThat(harness.state(two.pg(0), 2)).isEqualTo(MemberState.RECOVERING);
        one = harness.connect(1, Lane.WRITE);
        assertThat(one.write(0, 3, v(5, 2), v(5, 3), 3).status()).isEqualTo(Status.OK);
        assertRecovered();
    }

    @Test
    void a_note_whose_client_is_gone_is_dropped_by_a_new_epoch() {
        open(5);
        both(0, 1, 0, v(5, 1), 1);
        two.sync(0);
        crashTwo();
        two = harness.connect(2, Lane.WRITE);
        int pg = two.pg(0);
        if (harness.state(pg, 2) == MemberState.IN_SYNC) {
            harness.recovering(pg, 2);
            harness.loop.run();
        }
        assertThat(two.write(0, 2, v(5, 1), v(5, 2), 2).status()).isZero();
        two.connection.close();
        harness.loop.advanceMs(2000);
        boolean before =
                harness.meta.commands.stream().anyMatch(c -> c instanceof Command.NewEpoch);
        assertThat(before).isFalse();
        harness.loop.advanceMs(4000);
        assertThat(harness.meta.commands.stream().anyMatch(c -> c instanceof Command.NewEpoch))
                .isTrue();
        assertRecovered();
        assertThat(harness.version(2, 0)).isEqualTo(v(5, 1));
    }

    @Test
    void promotion_needs_the_group_and_holds_back_what_it_would_note() {
        open(5);
        int chunk = chunkIn(0, 0);
        both(chunk, 1, 0, v(5, 1), 1);
        harness.recovering(0, 2);
        harness.loop.run();
        harness.meta.reach(false);
        harness.loop.advance(2 * Limits.PROMOTION_BATCH_NS);
        assertThat(Harness.some(harness.disk(2).recovery(0)).asked()).isTrue();
        // It applies what follows, and holds back what it would note.
        assertThat(two.write(chunk, 2, v(5, 1), v(5, 2), 2).status()).isZero();
        int other = chunkIn(0, 1);
        two.sendWrite(other, 1, 1, v(5, 7), v(5, 8), 3);
        two.sendWrite(chunkIn(1, 0), 1, 1, 0, v(5, 1), 3);
        harness.loop.advanceMs(50);
        assertThat(two.written().status()).as("of another group").isZero();
        assertThat(two.inbox).isEmpty();
        // Nor does it answer an opening now.
        TestClient opener = harness.connect(2, Lane.WRITE);
        opener.sendSync(MessageType.OPEN, 6, opener.epochs(0), 0);
        harness.loop.advanceMs(50);
        assertThat(opener.inbox).isEmpty();
        harness.meta.reach(true);
        harness.loop.advanceMs(50);
        assertThat(two.written().status()).isIn(Status.OLD_EPOCH, Status.FENCED);
        assertThat(opener.synced(MessageType.OPEN)).containsExactly(Status.OK, Status.OLD_EPOCH);
        assertThat(harness.state(0, 2)).isEqualTo(MemberState.IN_SYNC);
    }

    @Test
    void an_opening_voids_the_comparison() {
        open(5);
        int chunk = chunkIn(0, 0);
        both(chunk, 1, 0, v(5, 1), 1);
        harness.net.unlisten("1");
        harness.recovering(0, 2);
        harness.loop.run();
        two.open(6);
        // An older client's write gets to the source only, which has not been opened yet.
        harness.net.listen("1", harness.server(1));
        harness.loop.advanceMs(400);
        assertThat(harness.state(0, 2)).isEqualTo(MemberState.RECOVERING);
        one = harness.connect(1, Lane.WRITE);
        assertThat(one.write(chunk, 2, v(5, 1), v(5, 2), 2).status()).isZero();
        one.open(6);
        assertRecovered();
        assertThat(harness.version(2, chunk)).isEqualTo(v(5, 2));
    }

    @Test
    void a_lost_block_is_copied_as_lost() {
        open(5);
        both(0, 1, 0, v(5, 1), 1);
        two.sync(0);
        both(0, 2, v(5, 1), v(5, 2), 2);
        both(0, 3, v(5, 2), v(5, 3), 3);
        harness.store(1).rot(1, 0, 2);
        harness.store(1).lose(1, 0, 1);
        crashTwo();
        harness.loop.advanceMs(2000);
        assertThat(harness.state(0, 2)).isEqualTo(MemberState.IN_SYNC);
        TestClient reader = harness.connect(2, Lane.READ);
        assertThat(reader.read(0, 1, 3, 0).states())
                .containsExactly(BlockState.DATA, BlockState.LOST, BlockState.DATA);
    }

    @Test
    void a_block_that_the_source_has_lost_comes_back_from_the_target() {
        open(5);
        both(0, 1, 0, v(5, 1), 1);
        both(0, 2, v(5, 1), v(5, 2), 2);
        two.sync(0);
        both(0, 3, v(5, 2), v(5, 3), 3);
        harness.store(1).lose(1, 0, 1);
        crashTwo();
        assertRecovered();
        assertThat(harness.connect(1, Lane.READ).read(0, 1, 3, 5).fill()).containsExactly(1, 2, 3);
        assertThat(harness.hasEvent("block-repaired disk=1")).isTrue();
    }

    @Test
    void a_block_that_was_copied_as_lost_comes_back_once_the_source_can_read_it() {
        open(5);
        both(0, 1, 0, v(5, 1), 1);
        two.sync(0);
        both(0, 3, v(5, 1), v(5, 2), 3);
        harness.store(1).rot(1, 0, 3);
        crashTwo();
        harness.loop.advanceMs(300);
        assertThat(harness.state(one.pg(0), 2)).isEqualTo(MemberState.IN_SYNC);
        assertThat(harness.hasEvent("block-copied-as-lost")).isTrue();
        harness.store(1).rot(1, 0, 3);
        assertRecovered();
        assertThat(harness.connect(2, Lane.READ).read(0, 3, 1, 5).fill()).containsExactly(3);
    }

    @Test
    void a_crash_in_the_middle_of_a_copy_is_copied_again() {
        open(5);
        both(0, 1, 0, v(5, 1), 1);
        two.sync(0);
        for (int n = 2; n < 6; n++) {
            both(0, n, v(5, n - 1), v(5, n), n);
        }
        crashTwo();
        harness.loop.advanceMs(2000);
        long all = harness.store(2).appliedSequence();
        for (long kept = 2; kept <= all; kept++) {
            harness.kill(2, Math.min(kept, harness.store(2).appliedSequence()));
            harness.start(2);
            // Meanwhile the source has gone back to what the copy began with.
            assertRecovered();
        }
    }

    @Test
    void purged_volumes_are_dropped_also_by_a_replica_that_was_away() {
        open(5);
        both(0, 1, 0, v(5, 1), 1);
        both(7, 1, 0, v(5, 1), 1);
        two.sync(0);
        harness.kill(2, harness.store(2).durableSequence());
        harness.meta.purgeVolume(1);
        harness.loop.advanceMs(50);
        assertThat(harness.store(1).chunk(1, 0)).isNull();
        harness.meta.addVolume(2);
        harness.start(2);
        harness.loop.advanceMs(500);
        assertThat(harness.store(2).chunk(1, 0)).isNull();
        assertThat(harness.store(2).chunk(1, 7)).isNull();
    }

    @Test
    void a_catalogue_that_lost_its_tail_costs_no_data() {
        open(5);
        both(0, 1, 0, v(5, 1), 1);
        harness.stopClean(2);
        harness.meta.loseVolume(1);
        harness.start(2, true);
        harness.loop.advanceMs(500);
        assertThat(harness.store(2).chunk(1, 0)).isNotNull();
    }

    @Test
    void a_source_that_does_not_answer_is_waited_for() {
        open(5);
        both(0, 1, 0, v(5, 1), 1);
        both(0, 2, v(5, 1), v(5, 2), 2);
        harness.net.unlisten("1");
        crashTwo();
        harness.loop.advanceMs(5000);
        assertThat(harness.state(0, 2)).isEqualTo(MemberState.RECOVERING);
        harness.net.listen("1", harness.server(1));
        assertRecovered();
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 50}) // as it begins, and when it is about to ask
    void a_replica_without_space_notes_writes_and_does_not_ask(int afterMs) {
        open(5);
        both(0, 1, 0, v(5, 1), 1);
        harness.recovering(0, 2);
        harness.recovering(two.pg(0), 2);
        harness.loop.advanceMs(afterMs);
        harness.store(2).capacityBytes = 4096;
        harness.loop.advanceMs(1000);
        assertThat(harness.state(0, 2)).isEqualTo(MemberState.RECOVERING);
        assertThat(harness.hasEvent("recovery-no-space")).isTrue();
        // Nothing differs, and who has no credit does not wait for a promotion that may not come.
        two = harness.connect(2, Lane.WRITE);
        harness.loop.advanceMs(1000);
        for (int n = 1; n <= 2; n++) {
            one.sendWrite(0, 1, 256, v(5, n), v(5, n + 1), n);
            two.sendWrite(0, 1, 256, v(5, n), v(5, n + 1), n);
            harness.loop.advanceMs(1);
            assertThat(one.written().status()).isEqualTo(Status.OK);
            assertThat(two.written().status()).isEqualTo(Status.NOTED);
            harness.loop.advanceMs(1000);
        }
        harness.store(2).capacityBytes = 64L << 30;
        assertRecovered();
    }

    /// Where space is short as much is copied as there is space for, each block once. What goes
    /// over blocks that are here needs none.
    @Test
    void a_nearly_full_replica_copies_what_fits_and_goes_on_from_there() {
        int blocks = 40;
        open(5);
        for (int n = 0; n < blocks; n++) {
            both(0, n, n == 0 ? 0 : v(5, n), v(5, n + 1), n + 1);
        }
        assertThat(two.sync(two.pg(0))).containsOnly(Status.OK);
        for (int n = 0; n < 2 * blocks; n++) {
            both(0, n, v(5, blocks + n), v(5, blocks + n + 1), 100 + n);
        }
        harness.store(2).capacityBytes = (blocks + 16) * 4096L;
        crashTwo();
        harness.loop.advanceMs(5000);
        assertThat(harness.state(two.pg(0), 2)).isEqualTo(MemberState.RECOVERING);
        assertThat(harness.hasEvent("recovery-no-space")).isTrue();
        long copied = harness.disk(2).counters().bytesCopied / 4096;
        assertThat(copied).isGreaterThan(blocks).isLessThan(2 * blocks);
        harness.store(2).capacityBytes = 64L << 30;
        assertRecovered();
        assertThat(harness.disk(2).counters().bytesCopied / 4096).isEqualTo(2 * blocks);
    }

    /// A member on a full disk is one like any other: it has room for what others have promised its
    /// writers, and promises them nothing.
    @Test
    void a_full_replica_comes_in_sync() {
        int blocks = 64;
        open(5);
        for (int n = 0; n < blocks; n++) {
            both(0, n, n == 0 ? 0 : v(5, n), v(5, n + 1), n + 1);
        }
        assertThat(two.sync(two.pg(0))).containsOnly(Status.OK);
        // A 16th, the bound of what is promised, and not a block more.
        harness.store(2).capacityBytes = (blocks + 4) * 4096L;
        harness.net.unlisten("1");
        crashTwo();
        two = harness.connect(2, Lane.WRITE);
        harness.net.listen("1", harness.server(1));
        assertRecovered();
    }

    /// What clients hold and do not use stands in no copy's way.
    @Test
    void a_replica_without_space_asks_back_what_it_promised() {
        int blocks = 64;
        open(5);
        one.fill(0, 5, blocks);
        harness.net.unlisten("1");
        harness.store(2).capacityBytes = (blocks + 5) * 4096L;
        crashTwo();
        harness.recovering(two.pg(0), 2);
        // Of the bound of four blocks it is granted two, and one block is missing then.
        two = new TestClient(harness, 2, Lane.WRITE, 9, Hello.CREDIT_NEEDS);
        assertThat(two.credit).isEqualTo(2 * 4096);
        harness.net.listen("1", harness.server(1));
        harness.loop.advanceMs(2000);
        assertThat(two.recalls).isPositive();
        assertThat(harness.state(two.pg(0), 2)).isEqualTo(MemberState.RECOVERING);
        two.need(0, 2 * 4096);
        assertRecovered();
    }

    @Test
    void a_purged_volume_that_was_the_youngest_is_dropped_by_a_replica_that_was_away() {
        open(5);
        both(0, 1, 0, v(5, 1), 1);
        harness.stopClean(2);
        harness.meta.purgeVolume(1);
        harness.start(2, true);
        harness.loop.advanceMs(500);
        assertThat(harness.store(2).chunk(1, 0)).isNull();
    }

    @Test
    void nothing_of_a_purged_volume_returns() {
        open(5);
        both(0, 1, 0, v(5, 1), 1);
        harness.meta.purgeVolume(1);
        harness.loop.advanceMs(500);
        // A gateway that has not heard of it goes on writing, before and after a restart.
        assertThat(one.write(0, 1, 0, v(5, 2), 2).status()).isEqualTo(Status.FENCED);
        harness.stopClean(1);
        harness.meta.addVolume(2);
        harness.start(1, true);
        harness.loop.advanceMs(500);
        one = harness.connect(1, Lane.WRITE);
        assertThat(one.write(3, 1, 0, v(6, 1), 2).status()).isEqualTo(Status.FENCED);
        harness.loop.advanceMs(500);
        assertThat(harness.store(1).chunk(1, 0)).isNull();
        assertThat(harness.store(1).chunk(1, 3)).isNull();
    }

    @Test
    void a_copy_that_waited_for_room_brings_nothing_of_a_purged_volume_back() {
        open(5);
        both(0, 1, 0, v(5, 1), 1);
        two.sync(0);
        both(0, 2, v(5, 1), v(5, 2), 2);
        harness.kill(2, harness.store(2).durableSequence());
        harness.meta.alive.remove(2);
        harness.store(2).roomBytes = 4096;
        harness.start(2);
        harness.loop.advanceMs(200);
        assertThat(harness.disk(2).pulls().activeCount()).isEqualTo(1);
        // The source learns of the purge much later.
        harness.meta.deaf = harness.nodes.get(1).client;
        harness.meta.purgeVolume(1);
        harness.loop.advanceMs(500);
        assertThat(harness.store(2).chunk(1, 0)).isNull();
        assertThat(harness.store(1).chunk(1, 0)).isNotNull();
        harness.store(2).makeRoom();
        harness.loop.advanceMs(500);
        assertThat(harness.store(2).chunk(1, 0)).isNull();
        assertThat(harness.state(one.pg(0), 2)).isEqualTo(MemberState.IN_SYNC);
    }
}
