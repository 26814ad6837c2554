package comet.volume;

import static org.assertj.core.api.Assertions.assertThat;

import comet.cluster.Command.Attach.Mode;
import comet.cluster.VolumeInfo.Durability;
import comet.port.Errno;
import comet.volume.TestCluster.Answer;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/// Rounds of flushes that follow one another while writers wait for room.
class FlushTest extends VolumeRig {
    private static final int MS = 1_000_000;

    private Answer beginFlush() {
        Answer flush = new Answer();
        device.flush(flush);
        cluster.loop.runFor(10 * MS);
        return flush;
    }

    private void assertDurable(int index, boolean durable) {
        for (int disk = 1; disk <= 2; disk++) {
            boolean there = cluster.disk(disk).durable.containsKey(chunk(index));
            assertThat(there).isEqualTo(durable);
        }
    }

    /// The end of a round makes room for a writer that waits for it, finds none, and has every
    /// volume flush: that begins the next round, whose requests are not over with the first.
    private void endARoundWhileThisWaitsForRoom(BlockDevice heavy) {
        cluster.await(cluster.write(node, device, 0, bytes, 0));
        cluster.disks.values().forEach(disk -> disk.withholdSyncs = true);
        Answer first = beginFlush();
        cluster.disks.values().forEach(disk -> disk.syncing = false);
        cluster.disks.values().forEach(disk -> disk.withholdSyncs = false);
        cluster.await(cluster.write(node, device, 4 << 20, bytes, 0));
        List<Answer> many = new ArrayList<>();
        for (int n = 0; n < 60; n++) {
            long offset = (8L << 20) + n % 30 * 262_144L;
            many.add(cluster.write(node, heavy, offset, cluster.pattern(262_144, n), 0));
        }
        cluster.loop.runFor(100 * MS);
        assertThat(many.getLast().come()).as("the bound is reached").isFalse();
        Answer second = beginFlush();
        assertThat(first.come()).isFalse();

        cluster.disks.values().forEach(FakeDisk::release);
        cluster.loop.runFor(100 * MS);
        assertThat(first.errno).isZero();
        assertDurable(0, true);
        assertDurable(1, false);
        assertThat(second.come()).as("what it covers is durable nowhere").isFalse();

        cluster.disks.values().forEach(disk -> disk.syncing = true);
        cluster.net.breakAll("disk:1");
        cluster.net.breakAll("disk:2");
        assertThat(cluster.await(second)).isZero();
        assertDurable(1, true);
        for (Answer answer : many) {
            assertThat(cluster.await(answer)).isZero();
        }
    }

    @Test
    void a_round_that_begins_while_another_ends_is_not_over_with_it() {
        cluster.meta.addVolume(6, "other", 16 << 20, Durability.FLUSH);
        BlockDevice other = node.open("other");
        cluster.await(cluster.write(node, other, 0, bytes, 0));
        assertThat(cluster.flush(other)).isZero();
        endARoundWhileThisWaitsForRoom(other);
    }

    @Test
    void nor_is_one_that_the_volumes_own_writes_begin() {
        endARoundWhileThisWaitsForRoom(device);
    }

    @Test
    void flushes_that_come_during_a_round_share_the_next() {
        cluster.await(cluster.write(node, device, 0, bytes, 0));
        cluster.disks.values().forEach(disk -> disk.withholdSyncs = true);
        Answer first = beginFlush();
        cluster.await(cluster.write(node, device, 4 << 20, bytes, 0));
        Answer second = beginFlush();
        Answer third = beginFlush();
        cluster.disks.values().forEach(FakeDisk::release);
        assertThat(cluster.await(first)).isZero();
        assertThat(cluster.await(second)).isZero();
        assertThat(cluster.await(third)).isZero();
        assertDurable(1, true);
    }

    @Test
    void flushes_of_an_attachment_that_is_lost_fail_once_each() {
        cluster.await(cluster.write(node, device, 0, bytes, 0));
        cluster.disks.values().forEach(disk -> disk.syncing = false);
        Answer first = beginFlush();
        Answer second = beginFlush();
        TestCluster.Node next = cluster.new Node(10);
        String[] why = {"waiting"};
        next.gateway.attach(5, Mode.TAKEOVER, answer -> why[0] = answer);
        cluster.loop.runUntil(() -> why[0] == null, 10);
        assertThat(cluster.await(first)).isEqualTo(Errno.ESHUTDOWN);
        assertThat(cluster.await(second)).isEqualTo(Errno.ESHUTDOWN);
        cluster.loop.runFor(TestCluster.SECOND);
    }
}
