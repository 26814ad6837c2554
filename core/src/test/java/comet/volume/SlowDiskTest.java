package comet.volume;

import static org.assertj.core.api.Assertions.assertThat;

import comet.base.Buf;
import comet.cluster.DiskLife;
import comet.volume.TestCluster.Answer;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// Disks that answer late, or not at all.
class SlowDiskTest extends VolumeRig {
    private static final long MS = 1_000_000;

    @BeforeEach
    void fill() {
        cluster.await(cluster.write(node, device, 0, bytes, 0));
        cluster.flush(device);
    }

    private Answer startRead() {
        Buf buf = node.bufs.take(4096);
        Answer answer = new Answer();
        device.read(
                0,
                4096,
                buf,
                0,
                errno -> {
                    byte[] read = new byte[4096];
                    buf.bytes().get(0, read);
                    buf.release();
                    assertThat(read).isEqualTo(bytes);
                    answer.done(errno);
                });
        return answer;
    }

    private List<Answer> startReads(int count) {
        List<Answer> answers = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            answers.add(startRead());
        }
        return answers;
    }

    private DiskLife life(int disk) {
        return new DiskLife(disk, cluster.disk(disk).bootId);
    }

    @Test
    void reads_that_one_disk_owes_for_long_are_asked_of_the_other() {
        cluster.disk(1).withholdReads = true;
        List<Answer> first = startReads(10);
        cluster.loop.runFor(100 * MS);
        assertThat(first).anyMatch(answer -> !answer.come());
        cluster.loop.runFor(300 * MS);
        assertThat(first).allMatch(Answer::come);
        // It is asked now and then only.
        long before = cluster.disk(1).readsSeen;
        List<Answer> next = startReads(100);
        cluster.loop.runFor(50 * MS);
        assertThat(next.stream().filter(Answer::come).count()).isGreaterThanOrEqualTo(99);
        assertThat(cluster.disk(1).readsSeen - before).isLessThanOrEqualTo(1);
        // Late answers are nobody's any more; after them it is as good as the other.
        cluster.disk(1).release();
        cluster.loop.runFor(1000 * MS);
        before = cluster.disk(1).readsSeen;
        List<Answer> last = startReads(100);
        cluster.loop.runFor(100 * MS);
        assertThat(last).allMatch(Answer::come);
        assertThat(cluster.disk(1).readsSeen - before).isGreaterThan(20);
    }

    @Test
    void a_disk_that_takes_far_longer_than_the_other_is_spared() {
        cluster.disk(1).readNs = 40 * MS;
        for (int i = 0; i < 60; i++) {
            cluster.await(startRead());
        }
        long before = cluster.disk(1).readsSeen;
        for (int i = 0; i < 600; i++) {
            cluster.await(startRead());
        }
        assertThat(cluster.disk(1).readsSeen - before).as("now and then").isBetween(1L, 10L);
    }

    @Test
    void where_both_owe_answers_nothing_is_sent_to_and_fro() {
        cluster.disk(1).withholdReads = true;
        cluster.disk(2).withholdReads = true;
        List<Answer> reads = startReads(10);
        cluster.loop.runFor(3000 * MS);
        assertThat(cluster.disk(1).readsSeen + cluster.disk(2).readsSeen).isLessThan(25);
        cluster.disk(2).release();
        cluster.disk(1).release();
        cluster.loop.runFor(500 * MS);
        assertThat(reads).allMatch(Answer::come);
    }

    @Test
    void a_disk_that_owes_answers_past_the_deadline_is_reported_as_long_as_it_does() {
        cluster.disk(1).withhold = true;
        Answer write = cluster.write(node, device, 0, bytes, 0);
        cluster.loop.runFor(2900 * MS);
        assertThat(cluster.meta.reported).isEmpty();
        cluster.loop.runFor(1000 * MS);
        assertThat(cluster.meta.reported).isNotEmpty().containsOnly(life(1));
        cluster.disk(1).release();
        assertThat(cluster.await(write)).isZero();
        cluster.loop.runFor(10 * MS);
        cluster.meta.reported.clear();
        cluster.loop.runFor(3000 * MS);
        assertThat(cluster.meta.reported).isEmpty();
    }

    @Test
    void a_disk_that_takes_no_calls_is_reported_sooner() {
        cluster.disk(1).kill(false);
        cluster.loop.runFor(900 * MS);
        assertThat(cluster.meta.reported).isEmpty();
        cluster.loop.runFor(800 * MS);
        assertThat(cluster.meta.reported).isNotEmpty().containsOnly(life(1));
    }

    @Test
    void a_gateway_that_is_cut_off_says_so() {
        cluster.meta.reachedByLeader.add(life(1));
        cluster.disk(1).kill(false);
        Answer write = cluster.write(node, device, 0, bytes, 0);
        cluster.loop.runFor(4000 * MS);
        assertThat(cluster.events)
                .as("a device that hangs says so by then")
                .noneMatch(event -> event.contains("gateway-cut-off"));
        cluster.loop.runFor(4000 * MS);
        assertThat(cluster.events)
                .filteredOn(event -> event.contains("gateway-cut-off"))
                .hasSize(1);
        assertThat(node.gateway.status().getFirst().waitingFor()).contains("own network");
        cluster.disk(1).start(false);
        assertThat(cluster.await(write)).isZero();
        cluster.loop.runFor(2000 * MS);
        assertThat(node.gateway.status().getFirst().waitingFor()).isEmpty();
    }

    /// Writes of a second, one after the other.
    private void writeFor(long ms) {
        long end = cluster.loop.nowNs() + ms * MS;
        while (cluster.loop.nowNs() < end) {
            assertThat(cluster.await(cluster.write(node, device, 0, bytes, 0))).isZero();
            cluster.loop.runFor(MS);
        }
    }

    private long slowEvents() {
        return cluster.events.stream().filter(event -> event.contains("disk-slow")).count();
    }

    private void slowAfter(String text) {
        cluster.meta.set("slow-after", text);
        cluster.loop.runFor(500 * MS);
    }

    @Test
    void a_disk_that_is_far_slower_than_others_for_long_is_reported_until_it_is_not() {
        slowAfter("5s");
        writeFor(3000);
        cluster.disk(1).writeNs = 300 * MS;
        writeFor(4000);
        assertThat(cluster.meta.reportedSlow).as("not for long yet").isEmpty();
        writeFor(3000);
        assertThat(cluster.meta.reportedSlow).isNotEmpty().containsOnly(life(1));
        assertThat(slowEvents()).isEqualTo(1);
        cluster.disk(1).writeNs = 0;
        writeFor(5000);
        cluster.meta.reportedSlow.clear();
        writeFor(3000);
        assertThat(cluster.meta.reportedSlow).isEmpty();
        assertThat(slowEvents()).isEqualTo(1);
    }

    /// What was seen long ago says nothing of now.
    @Test
    void one_that_is_asked_for_nothing_any_more_is_soon_not_reported() {
        slowAfter("5s");
        cluster.disk(1).writeNs = 300 * MS;
        writeFor(10_000);
        assertThat(cluster.meta.reportedSlow).isNotEmpty();
        cluster.loop.runFor(6000 * MS);
        cluster.meta.reportedSlow.clear();
        cluster.loop.runFor(10_000 * MS);
        assertThat(cluster.meta.reportedSlow).isEmpty();
    }

    @Test
    void where_all_are_slow_none_is_reported() {
        slowAfter("5s");
        cluster.disk(1).writeNs = 400 * MS;
        cluster.disk(2).writeNs = 300 * MS;
        writeFor(15_000);
        assertThat(cluster.meta.reportedSlow).isEmpty();
    }

    @Test
    void one_that_keeps_up_with_a_spinning_disk_is_not_slow() {
        slowAfter("5s");
        cluster.disk(1).writeNs = 100 * MS;
        writeFor(15_000);
        assertThat(cluster.meta.reportedSlow).isEmpty();
    }

    @Test
    void where_the_operator_wants_it_so_nobody_is_ever_too_slow() {
        slowAfter("0");
        cluster.disk(1).writeNs = 300 * MS;
        writeFor(30_000);
        assertThat(cluster.meta.reportedSlow).isEmpty();
    }

    /// Most writes are quick: what takes long is to have them on the device.
    @Test
    void one_whose_syncs_take_long_is_slow_as_well() {
        slowAfter("5s");
        // So long that the other one, which waits with everybody, is not even asked each second.
        cluster.disk(1).syncNs = 2600 * MS;
        for (int i = 0; i < 15; i++) {
            for (int n = 0; n < 50; n++) {
                assertThat(cluster.await(cluster.write(node, device, 0, bytes, 0))).isZero();
            }
            cluster.flush(device);
        }
        assertThat(cluster.meta.reportedSlow).isNotEmpty().containsOnly(life(1));
    }

    /// A disk that readers spare is not asked again: what a read took long ago says nothing.
    @Test
    void one_slow_read_is_no_slow_disk_however_much_is_written_after_it() {
        slowAfter("5s");
        cluster.disk(1).readNs = 400 * MS;
        for (int i = 0; i < 6; i++) {
            cluster.await(startRead());
        }
        cluster.disk(1).readNs = 0;
        writeFor(20_000);
        assertThat(cluster.meta.reportedSlow).isEmpty();
    }

    /// Its own link is slow since, and some disks were not asked for long.
    @Test
    void what_others_took_long_ago_is_no_measure() {
        slowAfter("5s");
        writeFor(2000);
        cluster.loop.runFor(10_000 * MS);
        cluster.disk(1).writeNs = 400 * MS;
        cluster.disk(2).writeNs = 400 * MS;
        writeFor(15_000);
        assertThat(cluster.meta.reportedSlow).isEmpty();
    }
}
