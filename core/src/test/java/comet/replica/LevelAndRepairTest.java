package comet.replica;

import static org.assertj.core.api.Assertions.assertThat;

import comet.base.Versions;
import comet.wire.BlockState;
import comet.wire.ChunkRequest;
import comet.wire.Frame;
import comet.wire.Lane;
import comet.wire.MessageType;
import comet.wire.Status;
import org.junit.jupiter.api.Test;

/// Chunks that one IN_SYNC replica takes over from another: levelling, and repair of bad blocks.
class LevelAndRepairTest {
    private final Harness harness = Harness.healthy(2);
    private final TestClient one = harness.connect(1, Lane.WRITE);
    private final TestClient two = harness.connect(2, Lane.WRITE);

    private static long v(long term, long count) {
        return Versions.of(term, count);
    }

    /// Chunk 0 at 5.3 on both, 5.5 on disk 1 alone; its client is gone and term 6 has opened.
    private void differ() {
        one.open(5);
        two.open(5);
        one.fill(0, 5, 3);
        two.fill(0, 5, 3);
        one.write(0, 4, v(5, 3), v(5, 4), 4);
        one.write(0, 1, v(5, 4), v(5, 5), 0);
        one.open(6);
        two.open(6);
    }

    private int level(int source, long version) {
        two.sendLevel(0, 6, source, version);
        harness.loop.advanceMs(5);
        return leveled();
    }

    private int leveled() {
        Frame f = two.expect(MessageType.LEVEL_REPLY);
        assertThat(ChunkRequest.validReply(f)).isTrue();
        int status = f.status();
        assertThat(status != Status.OK || ChunkRequest.replyVersion(f) == v(5, 5)).isTrue();
        f.release();
        return status;
    }

    @Test
    void the_lower_becomes_equal_to_the_higher_durably() {
        differ();
        assertThat(level(1, v(5, 5))).isEqualTo(Status.OK);
        int pg = two.pg(0);
        assertThat(harness.store(2).picture(pg)).isEqualTo(harness.store(1).picture(pg));
        assertThat(harness.store(2).durableSequence())
                .isEqualTo(harness.store(2).appliedSequence());
        assertThat(harness.disk(2).counters().bytesCopied).isEqualTo(4096);
        // Asked again after a broken connection: done already.
        assertThat(level(1, v(5, 5))).isEqualTo(Status.OK);
    }

    @Test
    void a_chunk_that_exists_only_at_the_source_is_made() {
        one.open(5);
        two.open(5);
        one.write(0, 1, 0, v(5, 1), 1);
        two.open(6);
        two.sendLevel(0, 6, 1, v(5, 1));
        harness.loop.advanceMs(5);
        two.expect(MessageType.LEVEL_REPLY).release();
        int pg = two.pg(0);
        assertThat(harness.store(2).picture(pg)).isEqualTo(harness.store(1).picture(pg));
    }

    @Test
    void writes_of_the_chunk_wait_and_those_of_others_do_not() {
        differ();
        harness.net.delayNs = 1_000_000;
        two.sendLevel(0, 6, 1, v(5, 5));
        harness.loop.advanceMs(2);
        two.sendWrite(0, 2, 1, v(5, 5), v(6, 1), 7);
        two.sendWrite(1, 2, 1, 0, v(6, 1), 7);
        harness.loop.advanceMs(2);
        assertThat(two.written().status()).as("of the other chunk").isZero();
        assertThat(two.inbox).isEmpty();
        harness.loop.advanceMs(20);
        assertThat(two.inbox).hasSize(2);
        assertThat(harness.version(2, 0)).isEqualTo(v(6, 1));
    }

    @Test
    void a_version_that_the_source_does_not_have_is_refused() {
        differ();
        assertThat(level(1, v(5, 4))).isEqualTo(Status.WRONG_VERSION);
        assertThat(level(2, v(5, 5))).isEqualTo(Status.BUSY);
        two.sendLevel(0, 5, 1, v(5, 5));
        harness.loop.advanceMs(5);
        assertThat(leveled()).isEqualTo(Status.FENCED);
    }

    @Test
    void a_levelling_that_a_newer_term_overtakes_changes_nothing() {
        differ();
        harness.net.delayNs = 1_000_000;
        two.sendLevel(0, 6, 1, v(5, 5));
        harness.loop.advanceMs(3);
        TestClient next = harness.connect(2, Lane.WRITE);
        next.sendSync(MessageType.OPEN, 7, next.epochs(0), 0);
        harness.loop.advanceMs(20);
        assertThat(leveled()).isEqualTo(Status.FENCED);
        assertThat(harness.version(2, 0)).isEqualTo(v(5, 3));
    }

    @Test
    void a_source_that_is_away_is_busy() {
        differ();
        harness.net.unlisten("1");
        assertThat(level(1, v(5, 5))).isEqualTo(Status.BUSY);
    }

    @Test
    void a_rotten_block_is_read_elsewhere_and_repaired() {
        one.open(5);
        two.open(5);
        one.fill(0, 5, 6);
        two.fill(0, 5, 6);
        harness.store(1).rot(1, 0, 3);
        harness.store(1).lose(1, 0, 4);
        TestClient reader = harness.connect(1, Lane.READ);
        assertThat(reader.read(0, 2, 4, 5).states())
                .containsExactly(
                        BlockState.DATA, BlockState.CORRUPT, BlockState.LOST, BlockState.DATA);
        harness.loop.advanceMs(10);
        assertThat(reader.read(0, 2, 4, 5).fill()).containsExactly(2, 3, 4, 5);
        assertThat(harness.disk(1).counters().blocksCorrupt).isEqualTo(2);
        assertThat(harness.disk(1).counters().blocksRepaired).isEqualTo(2);
        assertThat(harness.hasEvent("block-corrupt disk=1 volume=1 chunk=0 block=3")).isTrue();
        assertThat(harness.hasEvent("block-repaired disk=1 volume=1 chunk=0 block=3")).isTrue();
    }

    @Test
    void a_repair_takes_exactly_the_version_that_rotted() {
        one.open(5);
        two.open(5);
        one.fill(0, 5, 3);
        two.fill(0, 5, 3);
        two.write(0, 2, v(5, 3), v(5, 4), 44);
        harness.store(1).rot(1, 0, 2);
        TestClient reader = harness.connect(1, Lane.READ);
        reader.read(0, 2, 1, 5);
        harness.loop.advanceMs(10);
        assertThat(reader.read(0, 2, 1, 5).states()).containsExactly(BlockState.CORRUPT);
        assertThat(harness.disk(1).counters().blocksRepaired).isZero();
        // The write that it lacks repairs it.
        one.write(0, 2, v(5, 3), v(5, 4), 44);
        assertThat(reader.read(0, 2, 1, 5).fill()).containsExactly(44);
    }

    @Test
    void equal_versions_with_other_bytes_are_reported_and_left_alone() {
        one.open(5);
        two.open(5);
        one.write(0, 1, 0, v(5, 1), 1);
        two.write(0, 1, 0, v(5, 1), 2);
        harness.store(1).rot(1, 0, 1);
        TestClient reader = harness.connect(1, Lane.READ);
        reader.read(0, 1, 1, 5);
        harness.loop.advanceMs(10);
        assertThat(harness.hasEvent("ERROR checksum-conflict")).isTrue();
        assertThat(harness.disk(1).counters().blocksRepaired).isZero();
    }

    /// Block 3 of chunk 0, written on both and bad on both.
    private void rotOnBoth() {
        one.open(5);
        two.open(5);
        one.fill(0, 5, 6);
        two.fill(0, 5, 6);
        harness.store(1).rot(1, 0, 3);
        harness.store(2).rot(1, 0, 3);
    }

    @Test
    void a_block_that_is_bad_everywhere_is_not_asked_for_without_end() {
        rotOnBoth();
        TestClient reader = harness.connect(1, Lane.READ);
        assertThat(reader.read(0, 3, 1, 5).states()).containsExactly(BlockState.CORRUPT);
        harness.loop.advanceMs(900);
        assertThat(harness.disk(1).counters().reads + harness.disk(2).counters().reads)
                .as("the client's, and one of each other")
                .isLessThanOrEqualTo(3);
        // Found bad again while it rests: nothing is asked.
        long before = harness.disk(2).counters().reads;
        reader.read(0, 3, 1, 5);
        harness.loop.advanceMs(10);
        assertThat(harness.disk(2).counters().reads).isEqualTo(before);
    }

    @Test
    void a_block_that_no_replica_has_becomes_lost_on_all() {
        rotOnBoth();
        TestClient reader = harness.connect(1, Lane.READ);
        reader.read(0, 3, 1, 5);
        harness.loop.advanceMs(30_000);
        assertThat(reader.read(0, 2, 2, 5).states())
                .containsExactly(BlockState.DATA, BlockState.LOST);
        int pg = one.pg(0);
        assertThat(harness.store(2).picture(pg)).isEqualTo(harness.store(1).picture(pg));
        assertThat(harness.events.stream().filter(e -> e.contains("block-lost disk=1")).count())
                .isEqualTo(1);
        assertThat(harness.events.stream().filter(e -> e.contains("block-lost disk=2")).count())
                .isEqualTo(1);
        assertThat(harness.disk(1).counters().reads).isLessThan(20);
        // It keeps its version, and a newer write makes it whole.
        assertThat(harness.version(1, 0)).isEqualTo(v(5, 6));
        one.write(0, 3, v(5, 6), v(5, 7), 33);
        assertThat(reader.read(0, 3, 1, 5).fill()).containsExactly(33);
    }

    @Test
    void a_copy_that_comes_back_in_time_repairs_what_seemed_bad_everywhere() {
        rotOnBoth();
        TestClient reader = harness.connect(1, Lane.READ);
        reader.read(0, 3, 1, 5);
        harness.loop.advanceMs(100);
        harness.store(2).rot(1, 0, 3);
        harness.loop.advanceMs(5000);
        assertThat(reader.read(0, 3, 1, 5).fill()).containsExactly(3);
        assertThat(harness.hasEvent("block-lost")).isFalse();
    }

    @Test
    void a_block_is_not_lost_while_a_recovering_member_may_have_it() {
        rotOnBoth();
        TestClient reader = harness.connect(1, Lane.READ);
        harness.recovering(one.pg(0), 2);
        harness.stopClean(2);
        reader.read(0, 3, 1, 5);
        harness.loop.advanceMs(20_000);
        assertThat(reader.read(0, 3, 1, 5).states()).containsExactly(BlockState.CORRUPT);
        assertThat(harness.hasEvent("block-lost")).isFalse();
    }

    @Test
    void a_levelling_that_is_cut_off_leaves_a_version_that_nobody_else_has() {
        one.open(5);
        two.open(5);
        one.fill(0, 5, 3);
        two.fill(0, 5, 3);
        for (int n = 0; n < 20; n++) {
            one.write(0, 30 + n, v(5, 3 + n), v(5, 4 + n), n);
        }
        one.open(6);
        two.open(6);
        int pg = two.pg(0);
        String low = harness.store(2).picture(pg);
        long before = harness.store(2).appliedSequence();
        two.sendLevel(0, 6, 1, v(5, 23));
        harness.loop.advanceMs(5);
        two.expect(MessageType.LEVEL_REPLY).release();
        String high = harness.store(1).picture(pg);
        assertThat(harness.store(2).picture(pg)).isEqualTo(high);
        long after = harness.store(2).appliedSequence();
        assertThat(after - before).isGreaterThan(20);
        for (long kept = before; kept <= after; kept++) {
            FakeStore cut = harness.store(2).crash(kept);
            long version = Harness.some(cut.chunk(1, 0)).version();
            if (version == v(5, 3)) {
                assertThat(cut.picture(pg)).isEqualTo(low);
            } else if (version == v(5, 23)) {
                assertThat(cut.picture(pg)).isEqualTo(high);
            } else {
                assertThat(version).as("below all others").isEqualTo(v(0, 2));
            }
        }
    }
}
