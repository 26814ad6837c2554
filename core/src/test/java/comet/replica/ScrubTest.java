package comet.replica;

import static org.assertj.core.api.Assertions.assertThat;

import comet.base.Versions;
import comet.cluster.Command;
import comet.cluster.MemberState;
import comet.cluster.ScrubReport;
import comet.wire.Lane;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/// What a disk finds and puts right in data that nobody reads.
class ScrubTest {
    private static final long SECOND_NS = 1_000_000_000L;

    private final Harness harness =
            Harness.scrubbed(2, new ScrubConfig(64 << 20, SECOND_NS, 5 * SECOND_NS));
    private final TestClient one = harness.connect(1, Lane.WRITE);
    private final TestClient two = harness.connect(2, Lane.WRITE);

    private static long v(long term, long count) {
        return Versions.of(term, count);
    }

    /// Chunk 0 of volume 1, blocks 1 to 6, on both; then the volume is closed.
    private void written() {
        one.open(5);
        two.open(5);
        one.fill(0, 5, 6);
        two.fill(0, 5, 6);
        harness.meta.attached(1, 5, false);
    }

    private List<ScrubReport> reports(int diskId) {
        List<ScrubReport> found = new ArrayList<>();
        for (Command command : harness.meta.commands) {
            if (command instanceof Command.Scrubbed done && done.report().diskId() == diskId) {
                found.add(done.report());
            }
        }
        return found;
    }

    private ScrubReport lap(int diskId) {
        harness.loop.advanceMs(4000);
        assertThat(reports(diskId)).hasSize(1);
        return reports(diskId).getFirst();
    }

    private String picture(int diskId) {
        return harness.store(diskId).picture(one.pg(0));
    }

    @Test
    void what_is_whole_and_equal_is_read_and_left_alone() {
        written();
        String before = picture(1);
        ScrubReport lap = lap(1);
        assertThat(lap.pg()).isEqualTo(-1);
        assertThat(lap.counts().chunks()).isEqualTo(1);
        assertThat(lap.counts().bytes()).isEqualTo(6 * 4096);
        assertThat(lap.counts().bad()).isFalse();
        assertThat(lap.counts().uncompared()).isZero();
        assertThat(harness.disk(1).counters().scrubLaps).isEqualTo(1);
        assertThat(harness.disk(1).counters().chunksCopied).isZero();
        assertThat(picture(1)).isEqualTo(before);
    }

    @Test
    void laps_begin_when_they_are_due_and_not_before() {
        written();
        harness.loop.advanceMs(900);
        assertThat(harness.hasEvent("scrub-began")).isFalse();
        harness.loop.advanceMs(5000);
        assertThat(reports(1)).hasSize(1);
        harness.loop.advanceMs(5000);
        assertThat(reports(1)).hasSize(2);
    }

    @Test
    void rot_that_nobody_reads_is_repaired() {
        written();
        String whole = picture(1);
        harness.store(1).rot(1, 0, 3);
        harness.store(1).lose(1, 0, 5);
        ScrubReport lap = lap(1);
        assertThat(lap.counts().errors()).isEqualTo(2);
        assertThat(lap.counts().repaired()).isEqualTo(2);
        assertThat(lap.badPgs()).isEmpty();
        assertThat(picture(1)).isEqualTo(whole);
        TestClient reader = harness.connect(1, Lane.READ);
        assertThat(reader.read(0, 2, 4, 5).fill()).containsExactly(2, 3, 4, 5);
    }

    @Test
    void what_is_bad_everywhere_is_told_and_its_group_is_named() {
        written();
        harness.store(1).rot(1, 0, 3);
        harness.store(2).rot(1, 0, 3);
        ScrubReport lap = lap(1);
        assertThat(lap.counts().errors()).isEqualTo(1);
        assertThat(lap.counts().repaired()).isZero();
        assertThat(lap.counts().bad()).isTrue();
        assertThat(lap.badPgs()).containsExactly(one.pg(0));
        assertThat(harness.hasEvent("WARN scrub-ended disk=1")).isTrue();
    }

    @Test
    void the_lower_version_of_a_closed_volume_becomes_the_higher() {
        written();
        one.write(0, 9, v(5, 6), v(5, 7), 77);
        ScrubReport lap = lap(2);
        assertThat(lap.counts().differences()).isEqualTo(1);
        assertThat(lap.counts().levelled()).isEqualTo(1);
        assertThat(harness.version(2, 0)).isEqualTo(v(5, 7));
        assertThat(picture(2)).isEqualTo(picture(1));
        assertThat(reports(1).getFirst().counts().differences()).isZero();
    }

    @Test
    void a_chunk_that_is_missing_here_is_copied() {
        one.open(5);
        two.open(5);
        one.fill(0, 5, 3);
        harness.meta.attached(1, 5, false);
        ScrubReport lap = lap(2);
        assertThat(lap.counts().levelled()).isEqualTo(1);
        assertThat(picture(2)).isEqualTo(picture(1));
    }

    @Test
    void differences_of_an_open_volume_are_left_to_its_writer() {
        written();
        harness.meta.attached(1, 5, true);
        one.write(0, 9, v(5, 6), v(5, 7), 77);
        ScrubReport lap = lap(2);
        assertThat(lap.counts().differences()).isZero();
        assertThat(harness.version(2, 0)).isEqualTo(v(5, 6));
    }

    @Test
    void differences_are_left_alone_where_a_term_is_newer_than_the_map() {
        written();
        one.write(0, 9, v(5, 6), v(5, 7), 77);
        two.open(6);
        ScrubReport lap = lap(2);
        assertThat(lap.counts().differences()).isZero();
        assertThat(harness.version(2, 0)).isEqualTo(v(5, 6));
    }

    @Test
    void a_levelling_that_an_opening_overtakes_stops() {
        written();
        one.write(0, 9, v(5, 6), v(5, 7), 77);
        // The copy waits for room in the ring.
        harness.store(2).roomBytes = 0;
        harness.loop.advanceMs(1500);
        assertThat(harness.version(2, 0)).isEqualTo(v(5, 6));
        TestClient next = harness.connect(2, Lane.WRITE);
        next.open(6);
        harness.store(2).makeRoom();
        harness.loop.advanceMs(2000);
        assertThat(harness.version(2, 0)).isEqualTo(v(5, 6));
        assertThat(reports(2).getFirst().counts().levelled()).isZero();
        assertThat(reports(2).getFirst().badPgs()).containsExactly(one.pg(0));
    }

    @Test
    void nothing_is_levelled_while_a_member_recovers() {
        written();
        one.write(0, 9, v(5, 6), v(5, 7), 77);
        harness.meta.setPg(
                one.pg(0),
                harness.member(1, MemberState.IN_SYNC),
                harness.member(2, MemberState.IN_SYNC),
                new comet.cluster.PgConfig.Member(3, 1, MemberState.RECOVERING));
        assertThat(lap(2).counts().differences()).isZero();
        assertThat(harness.version(2, 0)).isEqualTo(v(5, 6));
    }

    @Test
    void equal_versions_with_other_bytes_are_an_error_and_stay() {
        one.open(5);
        two.open(5);
        one.write(0, 1, 0, v(5, 1), 1);
        two.write(0, 1, 0, v(5, 1), 2);
        harness.meta.attached(1, 5, false);
        String before = picture(1);
        ScrubReport lap = lap(1);
        assertThat(lap.counts().conflicts()).isEqualTo(1);
        assertThat(lap.badPgs()).containsExactly(one.pg(0));
        assertThat(harness.hasEvent("ERROR checksum-conflict disk=1 volume=1 chunk=0 block=1"))
                .isTrue();
        assertThat(picture(1)).isEqualTo(before);
    }

    @Test
    void a_peer_that_is_away_is_said_and_holds_up_nothing() {
        written();
        harness.stopClean(2);
        ScrubReport lap = lap(1);
        assertThat(lap.counts().bytes()).isEqualTo(6 * 4096);
        assertThat(lap.counts().uncompared()).isPositive();
        assertThat(lap.counts().bad()).isFalse();
    }

    @Test
    void the_rate_is_kept_and_is_a_quarter_where_guests_are_busy() {
        Harness slow = Harness.scrubbed(1, new ScrubConfig(1 << 20, SECOND_NS, SECOND_NS));
        TestClient client = slow.connect(1, Lane.WRITE);
        client.open(5);
        for (int chunk = 0; chunk < 4; chunk++) {
            client.sendWrite(chunk, 0, 1024, 0, v(5, 1), 7);
        }
        slow.loop.advanceMs(1500);
        ReplicaCounters counters = slow.disk(1).counters();
        long before = counters.scrubbedBlocks;
        slow.loop.advanceMs(5000);
        long calm = counters.scrubbedBlocks - before;
        assertThat(calm * 4096 / 5).isBetween(900L << 10, 1100L << 10);
        TestClient reader = slow.connect(1, Lane.READ);
        before = counters.scrubbedBlocks;
        for (int ms = 0; ms < 5000; ms += 2) {
            reader.read(0, 0, 1, 5);
            slow.loop.advanceMs(2);
        }
        long busy = counters.scrubbedBlocks - before;
        assertThat(busy).isBetween(calm / 6, calm / 3);
    }

    @Test
    void an_ordered_group_is_scrubbed_at_once_by_all_and_reported_once() {
        written();
        harness.store(1).rot(1, 0, 3);
        harness.meta.orderScrub(one.pg(0), 0);
        harness.loop.advanceMs(300);
        for (int disk = 1; disk <= 2; disk++) {
            assertThat(reports(disk)).hasSize(1);
            assertThat(reports(disk).getFirst().pg()).isEqualTo(one.pg(0));
            assertThat(reports(disk).getFirst().orderId()).isEqualTo(1);
        }
        assertThat(reports(1).getFirst().counts().repaired()).isEqualTo(1);
        harness.loop.advanceMs(500);
        assertThat(reports(1)).hasSize(1);
    }

    @Test
    void an_order_waits_until_the_replica_is_in_sync() {
        written();
        harness.recovering(one.pg(0), 2);
        harness.stopClean(1);
        harness.meta.orderScrub(one.pg(0), 0);
        harness.loop.advanceMs(500);
        assertThat(reports(2)).isEmpty();
        harness.start(1, true);
        harness.loop.advanceMs(1000);
        assertThat(reports(2)).isNotEmpty();
        assertThat(reports(1)).isNotEmpty();
    }

    @Test
    void an_ordered_lap_begins_at_once_and_counts_as_the_answer_for_good() {
        written();
        harness.meta.orderScrub(-1, 2);
        harness.loop.advanceMs(900);
        assertThat(reports(2)).hasSize(1);
        assertThat(reports(2).getFirst().orderId()).isEqualTo(1);
        assertThat(reports(1)).isEmpty();
        harness.loop.advanceMs(5500);
        assertThat(reports(2)).hasSize(2);
        assertThat(reports(2).getLast().orderId()).isEqualTo(1);
    }
}
