package comet.replica;

import static comet.replica.TestClient.chunkIn;
import static org.assertj.core.api.Assertions.assertThat;

import comet.base.Versions;
import comet.wire.BlockState;
import comet.wire.Lane;
import comet.wire.MessageType;
import comet.wire.Status;
import comet.wire.WriteRequest;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/// What a client of healthy replicas sees.
class HealthyTest {
    private final Harness harness = Harness.healthy(2);
    private final TestClient writer = harness.connect(1, Lane.WRITE);
    private final TestClient reader = harness.connect(1, Lane.READ);

    private static long v(long term, long count) {
        return Versions.of(term, count);
    }

    @Test
    void open_write_sync_read_list() {
        useEverything();
    }

    private void useEverything() {
        long open = writer.open(5);
        TreeMap<Integer, Long> chunks = new TreeMap<>();
        assertThat(writer.list(open, chunks)).isEqualTo(Status.OK);
        assertThat(chunks).isEmpty();

        TestClient.Written first = writer.write(3, 7, 0, v(5, 1), 11);
        assertThat(first.status()).isEqualTo(Status.OK);
        assertThat(first.version()).isEqualTo(v(5, 1));
        assertThat(first.durable()).isZero();
        assertThat(writer.write(3, 8, v(5, 1), v(5, 2), 12).status()).isEqualTo(Status.OK);
        assertThat(writer.sync(writer.pg(3))).containsExactly(Status.OK, Status.OK);
        assertThat(writer.write(3, 9, v(5, 2), v(5, 3), 13).durable()).isEqualTo(2);

        TestClient.Blocks read = reader.read(3, 6, 4, 5);
        assertThat(read.version()).isEqualTo(v(5, 3));
        assertThat(read.states())
                .containsExactly(
                        BlockState.ABSENT, BlockState.DATA, BlockState.DATA, BlockState.DATA);
        assertThat(read.fill()).containsExactly(11, 12, 13);

        assertThat(writer.list(writer.open(5), chunks)).isEqualTo(Status.OK);
        assertThat(chunks).containsExactly(java.util.Map.entry(3, v(5, 3)));
    }

    @Test
    void a_repeat_is_done_and_changes_nothing() {
        writer.open(5);
        writer.fill(0, 5, 3);
        long changes = harness.store(1).appliedSequence();
        writer.flags = WriteRequest.RESEND;
        assertThat(writer.write(0, 2, v(5, 1), v(5, 2), 99).status()).isEqualTo(Status.OK);
        assertThat(harness.store(1).appliedSequence()).isEqualTo(changes);
        assertThat(reader.read(0, 2, 1, 5).fill()).containsExactly(2);
    }

    @Test
    void a_repeat_is_durable_only_when_the_original_is() {
        writer.open(5);
        writer.fill(0, 5, 1);
        TestClient again = harness.connect(1, Lane.WRITE);
        again.flags = WriteRequest.RESEND;
        TestClient.Written repeat = again.write(0, 1, 0, v(5, 1), 1);
        assertThat(repeat.status()).isEqualTo(Status.OK);
        assertThat(repeat.durable()).isZero();
        assertThat(again.sync(again.pg(0))).containsOnly(Status.OK);
        harness.loop.advanceMs(200);
        assertThat(again.write(0, 1, 0, v(5, 1), 1).durable()).isGreaterThanOrEqualTo(1);
    }

    @Test
    void a_gap_in_versions_is_refused() {
        writer.open(5);
        writer.fill(0, 5, 1);
        TestClient.Written gap = writer.write(0, 1, v(5, 2), v(5, 3), 9);
        assertThat(gap.status()).isEqualTo(Status.WRONG_VERSION);
        assertThat(gap.version()).isEqualTo(v(5, 1));
    }

    @Test
    void an_older_term_is_fenced_once_a_newer_one_has_opened() {
        writer.open(5);
        writer.fill(0, 5, 2);
        TestClient newer = harness.connect(1, Lane.WRITE);
        newer.open(6);
        assertThat(writer.write(0, 3, v(5, 2), v(5, 3), 9).status()).isEqualTo(Status.FENCED);
        assertThat(reader.read(0, 1, 1, 5).status()).isEqualTo(Status.FENCED);
        assertThat(reader.read(0, 1, 1, 0).status()).isEqualTo(Status.OK);
        assertThat(newer.write(0, 3, v(5, 2), v(6, 1), 9).status()).isEqualTo(Status.OK);
        writer.sendSync(MessageType.OPEN, 5, writer.epochs(0), 0);
        harness.loop.advanceMs(1);
        assertThat(writer.synced(MessageType.OPEN).getFirst()).isEqualTo(Status.FENCED);
    }

    @Test
    void a_write_of_a_newer_term_waits_until_the_term_is_durable() {
        writer.open(5);
        harness.store(1).syncDelayNs = 5_000_000;
        writer.sendWrite(0, 0, 1, 0, v(6, 1), 3);
        writer.sendWrite(0, 1, 1, v(6, 1), v(6, 2), 3);
        harness.loop.run();
        assertThat(writer.inbox).isEmpty();
        assertThat(harness.store(1).fence(1)).isEqualTo(6);
        harness.loop.advanceMs(6);
        assertThat(writer.written().status()).isEqualTo(Status.OK);
        assertThat(writer.written().status()).isEqualTo(Status.OK);
    }

    @Test
    void so_do_those_of_other_connections() {
        writer.open(5);
        harness.store(1).syncDelayNs = 5_000_000;
        writer.sendWrite(0, 0, 1, 0, v(6, 1), 3);
        harness.loop.run();
        TestClient other = harness.connect(1, Lane.WRITE);
        other.sendWrite(1, 0, 1, 0, v(6, 1), 3);
        reader.sendRead(0, 0, 1, 6);
        harness.loop.advanceMs(2);
        assertThat(other.inbox).isEmpty();
        assertThat(reader.inbox).isEmpty();
        harness.loop.advanceMs(10);
        assertThat(other.written().status()).isEqualTo(Status.OK);
        assertThat(reader.blocks().status()).isEqualTo(Status.OK);
    }

    @Test
    void the_opener_lists_nothing_that_could_be_lost() {
        writer.open(5);
        writer.fill(0, 5, 4);
        long unsynced = harness.store(1).appliedSequence();
        assertThat(harness.store(1).durableSequence()).isLessThan(unsynced);
        TestClient next = harness.connect(1, Lane.WRITE);
        next.open(6);
        assertThat(harness.store(1).durableSequence()).isGreaterThanOrEqualTo(unsynced);
    }

    @Test
    void a_durable_write_is_answered_after_its_sync() {
        writer.open(5);
        writer.flags = WriteRequest.DURABLE;
        writer.sendWrite(0, 0, 1, 0, v(5, 1), 3);
        harness.loop.run();
        assertThat(writer.inbox).isEmpty();
        harness.loop.advanceMs(1);
        assertThat(writer.written().durable()).isEqualTo(1);
    }

    @Test
    void an_old_epoch_is_refused_and_a_newer_one_is_learned() {
        writer.open(5);
        int pg = 2;
        int chunk = chunkIn(pg, 0);
        harness.meta.pushes = false;
        harness.meta.bump(pg);
        assertThat(writer.write(chunk, 0, 0, v(5, 1), 3).status()).isEqualTo(Status.OK);
        assertThat(harness.disk(1).epoch(pg)).isEqualTo(harness.epoch(pg));
        long old = harness.epoch(pg) - 1;
        writer.sendWrite(chunk, 0, 1, v(5, 1), v(5, 2), 3, old);
        harness.loop.run();
        TestClient.Written refused = writer.written();
        assertThat(refused.status()).isEqualTo(Status.OLD_EPOCH);
        assertThat(refused.epoch()).isEqualTo(harness.epoch(pg));
        writer.sendSync(MessageType.SYNC, 0, new long[] {old}, pg);
        harness.loop.advanceMs(1);
        assertThat(writer.synced(MessageType.SYNC)).containsExactly(Status.OK, Status.OLD_EPOCH);
    }

    @Test
    void requests_of_a_newer_epoch_wait_in_order_while_the_group_is_away() {
        writer.open(5);
        harness.meta.reach(false);
        harness.meta.bump(0);
        int chunk = chunkIn(0, 0);
        writer.sendWrite(chunk, 0, 1, 0, v(5, 1), 3);
        writer.sendWrite(chunk, 1, 1, v(5, 1), v(5, 2), 3);
        writer.sendSync(MessageType.SYNC, 0, writer.epochs(0), 0);
        harness.loop.advanceMs(50);
        assertThat(writer.inbox).isEmpty();
        harness.meta.reach(true);
        harness.loop.advanceMs(50);
        assertThat(writer.written().status()).isEqualTo(Status.OK);
        assertThat(writer.written().status()).isEqualTo(Status.OK);
        assertThat(writer.synced(MessageType.SYNC)).containsOnly(Status.OK);
    }

    @Test
    void a_sync_does_not_count_in_an_epoch_that_has_ended() {
        writer.open(5);
        writer.fill(chunkIn(1, 0), 5, 1);
        writer.sendSync(MessageType.SYNC, 0, writer.epochs(1), 1);
        harness.loop.run();
        harness.meta.bump(1);
        harness.loop.advanceMs(1);
        assertThat(writer.synced(MessageType.SYNC)).containsExactly(Status.OK, Status.OLD_EPOCH);
    }

    @Test
    void a_list_is_refused_once_an_epoch_of_the_opening_has_ended() {
        long open = writer.open(5);
        harness.meta.bump(3);
        harness.loop.run();
        assertThat(writer.list(open, new TreeMap<>())).isEqualTo(Status.OLD_EPOCH);
    }

    @Test
    void a_disk_that_is_no_member_answers_so() {
        writer.open(5);
        int chunk = chunkIn(0, 0);
        writer.fill(chunk, 5, 1);
        harness.meta.setPg(0, harness.member(2, comet.cluster.MemberState.IN_SYNC));
        harness.loop.run();
        assertThat(reader.read(chunk, 0, 1, 5).status()).isEqualTo(Status.NOT_A_REPLICA);
        assertThat(writer.write(chunk, 2, v(5, 1), v(5, 2), 2).status())
                .isEqualTo(Status.NOT_A_REPLICA);
    }

    @Test
    void writes_wait_for_room_in_order() {
        writer.open(5);
        harness.store(1).roomBytes = 4096;
        writer.sendWrite(0, 0, 2, 0, v(5, 1), 3);
        writer.sendWrite(0, 1, 1, v(5, 1), v(5, 2), 4);
        harness.loop.run();
        assertThat(writer.inbox).isEmpty();
        harness.store(1).makeRoom();
        harness.loop.run();
        assertThat(writer.written().version()).isEqualTo(v(5, 1));
        assertThat(writer.written().version()).isEqualTo(v(5, 2));
    }

    @Test
    void credit_grows_with_use_and_says_when_the_disk_is_full() {
        assertThat(writer.credit).isEqualTo(Limits.CREDIT_WINDOW_MAX);
        writer.open(5);
        long used = 0;
        for (int n = 0; n < 3; n++) {
            writer.sendWrite(n, 0, 1024, 0, v(5, 1), 3);
            harness.loop.run();
            used += 4 << 20;
            assertThat(writer.written().credit()).isGreaterThanOrEqualTo(used + (8 << 20));
        }
        harness.store(1).capacityBytes = harness.store(1).usedBytes() + (1 << 20);
        for (int n = 3; n < 6; n++) {
            writer.sendWrite(n, 0, 1024, 0, v(5, 1), 3);
        }
        harness.loop.advanceMs(300);
        assertThat(writer.full).isTrue();
        harness.store(1).capacityBytes = 64L << 30;
        harness.loop.advanceMs(300);
        assertThat(writer.full).isFalse();
    }

    @Test
    void credit_is_given_back_when_the_connection_ends() {
        writer.open(5);
        writer.fill(0, 5, 3);
        assertThat(harness.store(1).promised()).isPositive();
        writer.connection.close();
        harness.loop.run();
        assertThat(harness.store(1).promised()).isZero();
    }

    @Test
    void a_failed_disk_answers_and_then_serves_readers_only() {
        writer.open(5);
        writer.fill(0, 5, 1);
        harness.store(1).failed = true;
        writer.sendSync(MessageType.SYNC, 0, writer.epochs(0), 0);
        harness.loop.advanceMs(1);
        assertThat(writer.synced(MessageType.SYNC).getFirst()).isEqualTo(Status.IO_ERROR);
        harness.loop.advanceMs(200);
        assertThat(writer.closed).isTrue();
        assertThat(harness.connect(1, Lane.WRITE).helloStatus).isEqualTo(Status.IO_ERROR);
        assertThat(harness.hasEvent("disk-failed")).isTrue();
        // It may hold the only copy.
        TestClient late = harness.connect(1, Lane.READ);
        assertThat(late.helloStatus).isEqualTo(Status.OK);
        assertThat(late.read(0, 1, 1, 5).fill()).containsExactly(1);
        assertThat(late.read(0, 1, 1, 6).status()).as("a new fence").isEqualTo(Status.IO_ERROR);
        assertThat(late.read(0, 1, 1, 5).status()).isEqualTo(Status.OK);
        assertThat(harness.connect(1, Lane.PEER).helloStatus).isEqualTo(Status.IO_ERROR);
    }

    @Test
    void nothing_leaks() {
        useEverything();
        harness.loop.advanceMs(10);
        assertThat(harness.frames.out()).isZero();
        assertThat(harness.bufs.bytesOut()).isZero();
    }
}
