package comet.volume;

import static org.assertj.core.api.Assertions.assertThat;

import comet.cluster.Command;
import comet.cluster.VolumeInfo.Durability;
import comet.port.Errno;
import comet.volume.TestCluster.Answer;
import comet.wire.Hello;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/// What a gateway does with the credit of its disks, and within its own bounds.
class CreditTest extends VolumeRig {
    @Test
    void writes_wait_for_credit() {
        // Never more than one chunk granted ahead; the fake checks that nothing goes beyond it.
        for (int disk = 1; disk <= 2; disk++) {
            cluster.disk(disk).creditWindow = 64 << 10;
        }
        cluster.net.breakAll("disk:1");
        cluster.net.breakAll("disk:2");
        List<Answer> answers = new ArrayList<>();
        for (int n = 0; n < 50; n++) {
            answers.add(cluster.write(node, device, n * 65536L, cluster.pattern(65536, n), 0));
        }
        for (Answer answer : answers) {
            assertThat(cluster.await(answer)).isZero();
        }
    }

    private void creditOf(int disk, long window) {
        cluster.disk(disk).features = Hello.CREDIT_NEEDS;
        cluster.disk(disk).creditWindow = window;
        cluster.net.breakAll("disk:" + disk);
    }

    @Test
    void a_write_that_waits_for_credit_says_what_it_lacks() {
        creditOf(1, 64 << 10);
        creditOf(2, 64 << 10);
        cluster.loop.runFor(TestCluster.SECOND);
        Answer answer = cluster.write(node, device, 0, cluster.pattern(256 << 10, 1), 0);
        cluster.loop.runFor(TestCluster.SECOND);
        assertThat(answer.come()).isFalse();
        assertThat(cluster.disk(1).neededBytes).isEqualTo(256 << 10);
        assertThat(cluster.disk(2).neededBytes).as("one after the other").isZero();
        cluster.disk(1).creditWindow = 256 << 10;
        cluster.disk(1).credit();
        cluster.loop.runFor(TestCluster.SECOND);
        assertThat(cluster.disk(2).neededBytes).isEqualTo(256 << 10);
        cluster.disk(2).creditWindow = 256 << 10;
        cluster.disk(2).credit();
        assertThat(cluster.await(answer)).isZero();
    }

    @Test
    void credit_that_is_asked_back_is_given_back_but_for_what_a_write_collects() {
        creditOf(1, 64 << 10);
        creditOf(2, 16 << 10);
        cluster.loop.runFor(TestCluster.SECOND);
        assertThat(cluster.await(cluster.write(node, device, 0, cluster.pattern(8192, 1), 0)))
                .isZero();
        cluster.disk(1).recall();
        assertThat(cluster.disk(1).returnedBytes).isEqualTo(64 << 10);
        // A write collects credit in the order of disks: it waits for the first one.
        Answer answer = cluster.write(node, device, 0, cluster.pattern(32 << 10, 2), 0);
        cluster.loop.runFor(TestCluster.SECOND);
        cluster.disk(2).recall();
        assertThat(cluster.disk(2).returnedBytes).isEqualTo(16 << 10);
        cluster.disk(1).creditWindow = 64 << 10;
        cluster.disk(1).credit();
        cluster.loop.runFor(TestCluster.SECOND);
        // Now for the second one, and keeps what it needs of the first.
        cluster.disk(1).recall();
        assertThat(cluster.disk(1).returnedBytes).isEqualTo((64 << 10) + (32 << 10));
        cluster.disk(2).creditWindow = 64 << 10;
        cluster.disk(2).credit();
        assertThat(cluster.await(answer)).isZero();
    }

    @Test
    void the_credit_that_comes_for_a_volume_that_has_ended_is_there_for_others() {
        cluster.meta.addVolume(6, "other", 16 << 20, Durability.FLUSH);
        BlockDevice other = node.open("other");
        cluster.await(cluster.write(node, other, 0, bytes, 0));
        cluster.await(cluster.write(node, device, 0, bytes, 0));
        for (int disk = 1; disk <= 2; disk++) {
            creditOf(disk, 64 << 10);
            cluster.disk(disk).withhold = true;
        }
        cluster.loop.runFor(TestCluster.SECOND);
        // All the credit, for a volume that is taken over before the answers come.
        Answer last = cluster.write(node, device, 0, cluster.pattern(64 << 10, 1), 0);
        cluster.loop.runFor(TestCluster.SECOND);
        TestCluster.Node second = cluster.new Node(10);
        second.gateway.attach(5, Command.Attach.Mode.TAKEOVER, _ -> {});
        assertThat(cluster.await(last)).isEqualTo(Errno.ESHUTDOWN);
        for (int disk = 1; disk <= 2; disk++) {
            cluster.disk(disk).withhold = false;
            cluster.disk(disk).withheld.forEach(Runnable::run);
        }
        assertThat(cluster.await(cluster.write(node, other, 0, cluster.pattern(32 << 10, 2), 0)))
                .isZero();
    }

    @Test
    void who_waits_behind_a_volume_that_has_ended_goes_on() {
        cluster.meta.addVolume(6, "other", 16 << 20, Durability.FLUSH);
        BlockDevice other = node.open("other");
        cluster.await(cluster.write(node, other, 0, bytes, 0));
        cluster.await(cluster.write(node, device, 0, bytes, 0));
        for (int disk = 1; disk <= 2; disk++) {
            creditOf(disk, 16 << 10);
        }
        cluster.loop.runFor(TestCluster.SECOND);
        Answer large = cluster.write(node, device, 0, cluster.pattern(64 << 10, 1), 0);
        cluster.loop.runFor(TestCluster.SECOND);
        Answer behind = cluster.write(node, other, 0, cluster.pattern(32 << 10, 2), 0);
        cluster.loop.runFor(TestCluster.SECOND);
        // Enough for the second, while the first is still there.
        for (int disk = 1; disk <= 2; disk++) {
            cluster.disk(disk).creditWindow = 32 << 10;
            cluster.disk(disk).credit();
        }
        cluster.loop.runFor(TestCluster.SECOND);
        assertThat(behind.come()).isFalse();
        TestCluster.Node second = cluster.new Node(10);
        second.gateway.attach(5, Command.Attach.Mode.TAKEOVER, _ -> {});
        assertThat(cluster.await(large)).isEqualTo(Errno.ESHUTDOWN);
        assertThat(cluster.await(behind)).isZero();
    }

    @Test
    void a_full_disk_is_an_error_before_anything_is_applied() {
        cluster.await(cluster.write(node, device, 0, bytes, 0));
        cluster.disk(2).full = true;
        List<Answer> answers = new ArrayList<>();
        for (int n = 0; n < 40; n++) {
            answers.add(cluster.write(node, device, n * 65536L, cluster.pattern(65536, n), 0));
        }
        cluster.loop.runFor(TestCluster.SECOND);
        cluster.disk(2).credit();
        int failed = 0;
        for (Answer answer : answers) {
            int errno = cluster.await(answer);
            assertThat(errno).isIn(0, Errno.ENOSPC);
            failed += errno == 0 ? 0 : 1;
        }
        assertThat(failed).isPositive();
        cluster.loop.runFor(TestCluster.SECOND);
        assertThat(cluster.disk(1).chunks.get(chunk(0)).version)
                .isEqualTo(cluster.disk(2).chunks.get(chunk(0)).version);
        cluster.disk(2).full = false;
        cluster.disk(2).credit();
        cluster.loop.runFor(TestCluster.SECOND);
        assertThat(cluster.await(cluster.write(node, device, 0, bytes, 0))).isZero();
    }

    @Test
    void what_needs_no_space_goes_on_where_a_disk_is_full() {
        cluster.await(cluster.write(node, device, 0, bytes, 0));
        cluster.disk(2).full = true;
        cluster.disk(2).credit();
        cluster.loop.runFor(TestCluster.SECOND);
        // Uses up what credit was there before.
        Answer last = cluster.write(node, device, 0, bytes, 0);
        for (int n = 0; cluster.await(last) == 0; n++) {
            assertThat(n).isLessThan(10_000);
            last = cluster.write(node, device, 0, bytes, 0);
        }
        assertThat(cluster.await(last)).isEqualTo(Errno.ENOSPC);
        for (int n = 0; n < 100; n++) {
            Answer trim = new Answer();
            device.trim(0, 4096, 0, trim);
            assertThat(cluster.await(trim)).isZero();
            assertThat(cluster.await(cluster.write(node, device, 0, bytes, 0)))
                    .isEqualTo(Errno.ENOSPC);
        }
    }

    @Test
    void what_is_under_way_and_what_is_kept_is_bounded() {
        cluster.disk(1).syncing = false;
        List<Answer> answers = new ArrayList<>();
        for (int n = 0; n < 60; n++) {
            answers.add(cluster.write(node, device, n * 262_144L, cluster.pattern(262_144, n), 0));
        }
        for (int n = 0; n < 100; n++) {
            cluster.loop.runFor(20_000_000);
            assertThat(node.gateway.inFlightBytes()).isLessThanOrEqualTo(8 << 20);
            assertThat(node.gateway.unsyncedBytes()).isLessThanOrEqualTo((4 << 20) + (4 << 20));
        }
        assertThat(answers.getLast().come()).isFalse();
        // The gateway has asked for a sync by itself; with it everything goes on.
        cluster.disk(1).syncing = true;
        cluster.net.breakAll("disk:1");
        for (Answer answer : answers) {
            assertThat(cluster.await(answer)).isZero();
        }
    }

    @Test
    void volumes_take_turns_at_the_gateways_bound() {
        cluster.meta.addVolume(6, "other", 16 << 20, Durability.FLUSH);
        BlockDevice other = node.open("other");
        cluster.await(cluster.write(node, other, 0, bytes, 0));
        List<Answer> many = new ArrayList<>();
        for (int n = 0; n < 200; n++) {
            many.add(cluster.write(node, device, (n % 60) * 262_144L, new byte[262_144], 0));
        }
        Answer one = cluster.write(node, other, 0, bytes, 0);
        cluster.loop.runUntil(one::come, 60);
        assertThat(many.stream().filter(Answer::come).count()).isLessThan(60);
        for (Answer answer : many) {
            assertThat(cluster.await(answer)).isZero();
        }
    }
}
