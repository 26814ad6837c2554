package comet.volume;

import static org.assertj.core.api.Assertions.assertThat;

import comet.cluster.Command;
import comet.cluster.VolumeInfo;
import comet.cluster.VolumeInfo.Durability;
import comet.cluster.VolumeLimits;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/// Volumes kept within limits, in virtual time.
class RateLimitTest extends VolumeRig {
    private final List<TestCluster.Answer> asked = new ArrayList<>();
    private int answered;

    private static final Gateway.Found IGNORED =
            new Gateway.Found() {
                @Override
                public void found(VolumeInfo volume) {}

                @Override
                public void failed(int errno, String why) {}
            };

    private void limit(long iops, long bytesPerSecond, int burstSeconds) {
        VolumeLimits limits = new VolumeLimits(iops, bytesPerSecond, burstSeconds);
        cluster.meta.limit(5, limits);
        // Pushes may be lost.
        node.gateway.find("vol", IGNORED);
        cluster.loop.runFor(TestCluster.SECOND / 2);
        assertThat(node.gateway.map().volume(5).limits()).isEqualTo(limits);
    }

    /// Writes by a guest that keeps so many requests under way.
    private void guest(BlockDevice to, int depth, int blocks) {
        byte[] data = cluster.pattern(blocks * 4096, 3);
        for (int n = 0; n < depth; n++) {
            next(to, data, n);
        }
    }

    private void next(BlockDevice to, byte[] data, int n) {
        comet.base.Buf buf = node.bufs.take(data.length);
        buf.bytes().put(0, data);
        to.write(
                (long) n % 16 * data.length,
                data.length,
                buf,
                0,
                0,
                errno -> {
                    buf.release();
                    assertThat(errno).isZero();
                    answered++;
                    next(to, data, n);
                });
    }

    /// Answers a second.
    private double rate(int seconds) {
        int before = answered;
        cluster.loop.runFor(seconds * TestCluster.SECOND);
        return (answered - before) / (double) seconds;
    }

    private VolumeStatus status() {
        return node.gateway.status().getFirst();
    }

    @Test
    void requests_come_at_the_rate_that_is_set_and_the_rate_changes_live() {
        guest(device, 8, 1);
        double free = rate(2);
        assertThat(free).isGreaterThan(500);
        limit(100, 0, 0);
        assertThat(rate(1)).isBetween(98.0, 102.0);
        assertThat(rate(10)).isBetween(99.0, 101.0);
        limit(7, 0, 0);
        rate(1);
        assertThat(rate(20)).isBetween(6.8, 7.2);
        // What waits for a slow rate does not wait for it any longer.
        limit(300, 0, 0);
        assertThat(rate(5)).isBetween(295.0, 305.0);
        limit(0, 0, 0);
        assertThat(rate(2)).isGreaterThan(free / 2);
        assertThat(status().throttledRequests()).isGreaterThan(2000);
        assertThat(status().throttledNs()).isGreaterThan(30 * TestCluster.SECOND);
    }

    @Test
    void bytes_come_at_the_rate_that_is_set() {
        guest(device, 8, 16);
        limit(0, 1 << 20, 0);
        assertThat(rate(10)).isBetween(15.8, 16.2);
        limit(10, 1 << 20, 0);
        rate(1);
        assertThat(rate(10)).as("the lower of both counts").isBetween(9.8, 10.2);
    }

    @Test
    void an_idle_volume_may_use_what_it_did_not() {
        limit(50, 0, 4);
        cluster.await(cluster.write(node, device, 0, bytes, 0));
        cluster.loop.runFor(20 * TestCluster.SECOND);
        guest(device, 8, 1);
        assertThat(rate(1)).isBetween(245.0, 255.0);
        assertThat(rate(10)).isBetween(49.0, 51.0);
    }

    @Test
    void a_flush_and_a_question_do_not_wait_behind_those_that_do() {
        limit(1, 0, 0);
        cluster.await(cluster.write(node, device, 0, bytes, 0));
        for (int n = 0; n < 5; n++) {
            asked.add(cluster.write(node, device, n * 4096L, bytes, 0));
        }
        assertThat(cluster.flush(device)).isZero();
        TestCluster.Answer extents = new TestCluster.Answer();
        device.status(
                0,
                4096,
                new BlockDevice.Extents() {
                    @Override
                    public boolean extent(long length, boolean hole, boolean zero) {
                        return true;
                    }

                    @Override
                    public void done(int errno) {
                        extents.done(errno);
                    }
                });
        assertThat(cluster.await(extents)).isZero();
        assertThat(asked.get(1).come()).isFalse();
        cluster.loop.runFor(6 * TestCluster.SECOND);
        assertThat(asked).allMatch(answer -> answer.errno == 0);
    }

    @Test
    void a_flush_that_came_before_the_volume_was_attached_does_not_wait_either() {
        cluster.meta.limit(5, new VolumeLimits(1, 0, 0));
        for (int n = 0; n < 5; n++) {
            asked.add(cluster.write(node, device, n * 4096L, bytes, 0));
        }
        TestCluster.Answer flush = new TestCluster.Answer();
        device.flush(flush);
        cluster.await(flush);
        assertThat(asked.get(3).come()).isFalse();
    }

    @Test
    void other_volumes_notice_nothing() {
        cluster.meta.addVolume(6, "other", 16 << 20, Durability.FLUSH);
        BlockDevice other = node.open("other");
        guest(other, 8, 1);
        double alone = rate(2);
        limit(20, 0, 0);
        int before = answered;
        for (int n = 0; n < 400; n++) {
            // Two thirds of what the gateway takes at a time, all waiting.
            asked.add(cluster.write(node, device, n % 64 * 4096L, bytes, 0));
        }
        cluster.loop.runFor(5 * TestCluster.SECOND);
        assertThat((answered - before) / 5.0).isGreaterThan(0.9 * alone);
        assertThat(asked.stream().filter(TestCluster.Answer::come).count()).isBetween(95L, 106L);
    }

    @Test
    void who_leaves_is_not_held_up_and_does_not_gain_by_it() {
        limit(10, 0, 0);
        for (int n = 0; n < 50; n++) {
            asked.add(cluster.write(node, device, n * 4096L, bytes, 0));
        }
        cluster.loop.runFor(TestCluster.SECOND);
        assertThat(asked.stream().filter(TestCluster.Answer::come).count()).isLessThan(15);
        device.leaving(true);
        device.leaving(true);
        cluster.loop.runFor(TestCluster.SECOND / 2);
        assertThat(asked).allMatch(answer -> answer.errno == 0);
        node.gateway.close(device);
        BlockDevice again = node.open("vol");
        TestCluster.Answer next = cluster.write(node, again, 0, bytes, 0);
        cluster.loop.runFor(3 * TestCluster.SECOND);
        assertThat(next.come()).isFalse();
        cluster.loop.runFor(2 * TestCluster.SECOND);
        assertThat(next.errno).isZero();
    }

    @Test
    void one_client_of_two_that_leaves_changes_nothing() {
        BlockDevice second = node.open("vol");
        limit(10, 0, 0);
        guest(second, 4, 1);
        rate(1);
        device.leaving(true);
        assertThat(rate(10)).isBetween(9.8, 10.2);
        node.gateway.close(device);
        assertThat(rate(10)).isBetween(9.8, 10.2);
    }

    @Test
    void a_volume_is_detached_without_waiting_for_the_limit() {
        limit(1, 0, 0);
        cluster.await(cluster.write(node, device, 0, bytes, 0));
        for (int n = 0; n < 20; n++) {
            asked.add(cluster.write(node, device, n * 4096L, bytes, 0));
        }
        String[] outcome = {"nothing"};
        node.gateway.detach(5, why -> outcome[0] = String.valueOf(why));
        cluster.loop.runFor(TestCluster.SECOND);
        assertThat(outcome[0]).isEqualTo("null");
    }

    @Test
    void the_time_of_a_wait_ends_where_what_waited_has_failed() {
        limit(1, 0, 0);
        cluster.await(cluster.write(node, device, 0, bytes, 0));
        asked.add(cluster.write(node, device, 0, bytes, 0));
        asked.add(cluster.write(node, device, 0, bytes, 0));
        TestCluster.Node taker = cluster.new Node(10);
        taker.gateway.attach(5, Command.Attach.Mode.TAKEOVER, why -> {});
        cluster.loop.runFor(10 * TestCluster.SECOND);
        assertThat(asked).allMatch(TestCluster.Answer::come);
        long after = status().throttledNs();
        cluster.loop.runFor(10 * TestCluster.SECOND);
        assertThat(status().throttledNs()).isEqualTo(after);
    }

    @Test
    void front_ends_hold_little_for_a_volume_that_waits() {
        assertThat(device.heldBytesMax()).isEqualTo(Long.MAX_VALUE);
        limit(0, 100 << 20, 0);
        assertThat(device.heldBytesMax()).isEqualTo(25 << 20);
        limit(10, 0, 0);
        assertThat(device.heldBytesMax()).isEqualTo(Long.MAX_VALUE);
        guest(device, 4, 1);
        rate(1);
        assertThat(device.heldBytesMax()).isEqualTo(1 << 20);
    }
}
