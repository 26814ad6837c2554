package comet.volume;

import static org.assertj.core.api.Assertions.assertThat;

import comet.cluster.Command.Attach.Mode;
import comet.cluster.MemberState;
import comet.cluster.VolumeInfo;
import comet.port.Errno;
import comet.volume.TestCluster.Answer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// Who may write, and what becomes of the others.
class AttachTest {
    private TestCluster cluster;
    private TestCluster.Node first;
    private byte[] bytes;

    @BeforeEach
    void start() {
        cluster = new TestCluster(3);
        first = cluster.new Node(9);
        bytes = cluster.pattern(4096, 5);
    }

    private VolumeInfo.Attachment held() {
        return cluster.meta.map.volume(5L).attachment();
    }

    @Test
    void a_second_gateway_reads_without_attaching_and_may_not_write() {
        BlockDevice mine = first.open("vol");
        cluster.await(cluster.write(first, mine, 0, bytes, 0));
        TestCluster.Node second = cluster.new Node(10);
        BlockDevice other = second.open("vol");
        assertThat(cluster.read(second, other, 0, 4096)).isEqualTo(bytes);
        assertThat(held().gatewayId()).isEqualTo(9);
        assertThat(cluster.await(cluster.write(second, other, 0, bytes, 0))).isEqualTo(Errno.EPERM);
        assertThat(held().gatewayId()).isEqualTo(9);
        assertThat(cluster.meta.lastYield).isFalse();
        assertThat(cluster.await(cluster.write(first, mine, 0, bytes, 0))).isZero();
        // It sees what is written later, too: nothing is cached.
        byte[] newer = cluster.pattern(4096, 6);
        cluster.await(cluster.write(first, mine, 0, newer, 0));
        assertThat(cluster.read(second, other, 0, 4096)).isEqualTo(newer);
    }

    @Test
    void a_gateway_that_has_written_nothing_yields_and_goes_on_reading() {
        BlockDevice mine = first.open("vol");
        cluster.read(first, mine, 0, 4096);
        assertThat(held().gatewayId()).isEqualTo(9);
        TestCluster.Node second = cluster.new Node(10);
        BlockDevice other = second.open("vol");
        assertThat(cluster.await(cluster.write(second, other, 0, bytes, 0))).isZero();
        assertThat(held().gatewayId()).isEqualTo(10);
        assertThat(cluster.meta.lastYield).isTrue();
        assertThat(cluster.read(first, mine, 0, 4096)).isEqualTo(bytes);
        assertThat(held().gatewayId()).isEqualTo(10);
        assertThat(cluster.await(cluster.write(first, mine, 0, bytes, 0))).isEqualTo(Errno.EPERM);
    }

    @Test
    void without_clients_it_goes_to_whoever_writes_flushed_and_detached() {
        BlockDevice mine = first.open("vol");
        cluster.await(cluster.write(first, mine, 0, bytes, 0));
        first.gateway.close(mine);
        TestCluster.Node second = cluster.new Node(10);
        BlockDevice other = second.open("vol");
        assertThat(cluster.await(cluster.write(second, other, 8192, bytes, 0))).isZero();
        assertThat(held().gatewayId()).isEqualTo(10);
        assertThat(cluster.disk(1).durable).isNotEmpty();
        assertThat(cluster.disk(2).durable).isNotEmpty();
        assertThat(first.gateway.unsyncedBytes()).isZero();
        assertThat(cluster.read(second, other, 0, 4096)).isEqualTo(bytes);
        // The other one is no client's of an attachment that was ended: it may come back.
        assertThat(cluster.read(first, first.open("vol"), 0, 4096)).isEqualTo(bytes);
    }

    /// QEMU calls again when its connection broke.
    @Test
    void whose_connection_broke_keeps_the_volume_for_a_while() {
        BlockDevice mine = first.open("vol");
        cluster.await(cluster.write(first, mine, 0, bytes, 0));
        mine.leaving(false);
        first.gateway.close(mine);
        TestCluster.Node second = cluster.new Node(10);
        BlockDevice other = second.open("vol");
        assertThat(cluster.await(cluster.write(second, other, 8192, bytes, 0)))
                .isEqualTo(Errno.EPERM);
        assertThat(cluster.await(cluster.write(first, first.open("vol"), 0, bytes, 0))).isZero();
        assertThat(held().gatewayId()).isEqualTo(9);
    }

    /// It cannot be given up before it is flushed, and somebody wants it here again meanwhile.
    @Test
    void who_comes_back_while_it_is_given_up_keeps_it() {
        BlockDevice mine = first.open("vol");
        cluster.disk(1).withholdSyncs = true;
        cluster.await(cluster.write(first, mine, 0, bytes, 0));
        first.gateway.close(mine);
        TestCluster.Node second = cluster.new Node(10);
        Answer other = cluster.write(second, second.open("vol"), 8192, bytes, 0);
        cluster.loop.runFor(TestCluster.SECOND / 2);
        assertThat(other.come()).isFalse();
        assertThat(cluster.read(first, first.open("vol"), 0, 4096)).isEqualTo(bytes);
        assertThat(cluster.await(other)).isEqualTo(Errno.EPERM);
        assertThat(held().gatewayId()).isEqualTo(9);
        cluster.disk(1).release();
    }

    @Test
    void a_takeover_does_not_wait_for_what_a_write_waits_for() {
        cluster.await(cluster.write(first, first.open("vol"), 0, bytes, 0));
        first.kill();
        TestCluster.Node second = cluster.new Node(10);
        Answer write = cluster.write(second, second.open("vol"), 0, bytes, 0);
        cluster.loop.runFor(TestCluster.SECOND);
        assertThat(write.come()).isFalse();
        String[] why = {"waiting"};
        second.gateway.attach(5, Mode.TAKEOVER, answer -> why[0] = answer);
        cluster.loop.runUntil(() -> why[0] == null, 10);
        assertThat(cluster.await(write)).isZero();
        assertThat(held().gatewayId()).isEqualTo(10);
    }

    @Test
    void what_is_pinned_stays_without_clients_too() {
        BlockDevice mine = first.open("vol");
        cluster.await(cluster.write(first, mine, 0, bytes, 0));
        first.gateway.attach(5, Mode.NORMAL, answer -> {});
        cluster.loop.runFor(TestCluster.SECOND);
        first.gateway.close(mine);
        TestCluster.Node second = cluster.new Node(10);
        BlockDevice other = second.open("vol");
        assertThat(cluster.await(cluster.write(second, other, 0, bytes, 0))).isEqualTo(Errno.EPERM);
        assertThat(held().gatewayId()).isEqualTo(9);
    }

    @Test
    void a_dead_gateways_volume_is_taken_by_a_read() {
        BlockDevice mine = first.open("vol");
        cluster.await(cluster.write(first, mine, 0, bytes, 0));
        first.kill();
        cluster.meta.deadGateways.add(9L);
        TestCluster.Node second = cluster.new Node(10);
        assertThat(cluster.read(second, second.open("vol"), 0, 4096)).isEqualTo(bytes);
        assertThat(held().gatewayId()).isEqualTo(10);
    }

    @Test
    void a_marked_migration_is_taken_by_the_first_write_and_not_by_a_read() {
        BlockDevice mine = first.open("vol");
        cluster.await(cluster.write(first, mine, 0, bytes, 0));
        cluster.flush(mine);
        TestCluster.Node second = cluster.new Node(10);
        BlockDevice other = second.open("vol");
        VolumeInfo info = cluster.meta.map.volume(5L);
        cluster.meta.attachment(
                info, new VolumeInfo.Attachment(9, info.lastTerm(), 10), info.lastTerm(), false);
        assertThat(cluster.read(second, other, 0, 4096)).isEqualTo(bytes);
        assertThat(held().gatewayId()).isEqualTo(9);
        assertThat(cluster.await(cluster.write(second, other, 4096, bytes, 0))).isZero();
        assertThat(held().gatewayId()).isEqualTo(10);
        assertThat(cluster.read(second, other, 0, 4096)).isEqualTo(bytes);
        assertThat(cluster.await(cluster.write(first, mine, 0, bytes, 0)))
                .isEqualTo(Errno.ESHUTDOWN);
    }

    @Test
    void a_takeover_ends_the_old_attachment_for_good() {
        BlockDevice mine = first.open("vol");
        cluster.await(cluster.write(first, mine, 0, bytes, 0));
        TestCluster.Node second = cluster.new Node(10);
        String[] why = {"waiting"};
        second.gateway.attach(5, Mode.TAKEOVER, answer -> why[0] = answer);
        cluster.loop.runUntil(() -> why[0] == null, 10);
        assertThat(cluster.await(cluster.write(first, mine, 0, bytes, 0)))
                .isEqualTo(Errno.ESHUTDOWN);
        Answer read = new Answer();
        mine.read(0, 512, first.bufs.take(512), 0, read);
        assertThat(cluster.await(read)).isEqualTo(Errno.ESHUTDOWN);
        assertThat(first.gateway.unsyncedBytes()).isZero();
        // Opened again it is a reader like any other.
        assertThat(cluster.read(first, first.open("vol"), 0, 4096)).isEqualTo(bytes);
    }

    @Test
    void no_write_of_the_old_attachment_lands_after_one_of_the_new() {
        BlockDevice mine = first.open("vol");
        cluster.await(cluster.write(first, mine, 0, bytes, 0));
        TestCluster.Node second = cluster.new Node(10);
        String[] why = {"waiting"};
        second.gateway.attach(5, Mode.TAKEOVER, answer -> why[0] = answer);
        // The old one knows nothing of it and goes on, in every chunk.
        first.client.closed = true;
        Answer[] late = new Answer[4];
        cluster.loop.runUntil(() -> why[0] == null, 10);
        BlockDevice other = second.open("vol");
        assertThat(cluster.await(cluster.write(second, other, 0, cluster.pattern(4096, 8), 0)))
                .isZero();
        for (int n = 0; n < 4; n++) {
            late[n] = cluster.write(first, mine, (long) n * (4 << 20), bytes, 0);
        }
        for (Answer answer : late) {
            assertThat(cluster.await(answer)).isEqualTo(Errno.ESHUTDOWN);
        }
        for (int n = 1; n < 4; n++) {
            assertThat(cluster.read(second, other, (long) n * (4 << 20), 4096))
                    .isEqualTo(new byte[4096]);
        }
    }

    @Test
    void after_a_restart_a_gateway_takes_its_own_again_and_gives_back_what_nobody_wants() {
        BlockDevice mine = first.open("vol");
        cluster.await(cluster.write(first, mine, 0, bytes, 0));
        first.kill();
        cluster.new Node(9);
        cluster.loop.runFor(2 * TestCluster.SECOND);
        assertThat(held().term()).isEqualTo(2);
        cluster.loop.runFor(31 * TestCluster.SECOND);
        assertThat(held()).isNull();
        assertThat(cluster.meta.map.volume(5L).cleanlyDetached()).isTrue();
    }

    @Test
    void a_pinned_volume_stays_until_it_is_detached() {
        String[] why = {"waiting"};
        first.gateway.attach(5, Mode.NORMAL, answer -> why[0] = answer);
        cluster.loop.runUntil(() -> why[0] == null, 10);
        cluster.loop.runFor(60 * TestCluster.SECOND);
        assertThat(held()).isNotNull();
        assertThat(first.gateway.status().getFirst().pinned()).isTrue();
        why[0] = "waiting";
        first.gateway.detach(5, answer -> why[0] = answer);
        cluster.loop.runUntil(() -> why[0] == null, 10);
        assertThat(held()).isNull();
    }

    @Test
    void a_detachment_waits_until_everything_is_durable() {
        BlockDevice mine = first.open("vol");
        cluster.await(cluster.write(first, mine, 0, bytes, 0));
        cluster.disk(2).syncing = false;
        String[] why = {"waiting"};
        first.gateway.detach(5, answer -> why[0] = answer);
        cluster.loop.runFor(5 * TestCluster.SECOND);
        assertThat(held()).isNotNull();
        assertThat(first.gateway.status().getFirst().state()).isEqualTo("draining");
        cluster.disk(2).syncing = true;
        cluster.net.breakAll("disk:2");
        cluster.loop.runUntil(() -> why[0] == null, 10);
        assertThat(held()).isNull();
        assertThat(cluster.disk(2).durable).hasSize(1);
        // A client that is still there attaches again with its next request.
        assertThat(cluster.await(cluster.write(first, mine, 0, bytes, 0))).isZero();
    }

    @Test
    void a_forced_detachment_elsewhere_ends_it_here() {
        BlockDevice mine = first.open("vol");
        cluster.await(cluster.write(first, mine, 0, bytes, 0));
        VolumeInfo info = cluster.meta.map.volume(5L);
        cluster.meta.attachment(info, null, info.lastTerm(), false);
        cluster.meta.resize(5, 16 << 20);
        cluster.loop.runFor(TestCluster.SECOND);
        assertThat(cluster.await(cluster.write(first, mine, 0, bytes, 0)))
                .isEqualTo(Errno.ESHUTDOWN);
    }

    @Test
    void attaching_waits_for_a_disk_that_cannot_be_reached_and_says_so() {
        cluster.disk(2).kill(false);
        BlockDevice mine = first.open("vol");
        Answer write = cluster.write(first, mine, 0, bytes, 0);
        cluster.loop.runFor(5 * TestCluster.SECOND);
        assertThat(write.come()).isFalse();
        VolumeStatus status = first.gateway.status().getFirst();
        assertThat(status.state()).isEqualTo("opening");
        assertThat(status.waitingFor()).startsWith("disk 2:");
        assertThat(status.waitingSinceNs()).isPositive();
        cluster.disk(2).start(false);
        assertThat(cluster.await(write)).isZero();
        assertThat(first.gateway.status().getFirst().waitingFor()).isEmpty();
    }

    @Test
    void a_disk_that_was_removed_while_attaching_is_not_waited_for() {
        cluster.disk(2).kill(false);
        BlockDevice mine = first.open("vol");
        Answer write = cluster.write(first, mine, 0, bytes, 0);
        cluster.loop.runFor(5 * TestCluster.SECOND);
        cluster.configure(MemberState.IN_SYNC, MemberState.STALE);
        assertThat(cluster.await(write)).isZero();
        assertThat(cluster.read(first, mine, 0, 4096)).isEqualTo(bytes);
    }

    @Test
    void a_larger_size_shows_at_the_next_opening() {
        BlockDevice mine = first.open("vol");
        cluster.await(cluster.write(first, mine, 0, bytes, 0));
        cluster.meta.resize(5, 32 << 20);
        BlockDevice again = first.open("vol");
        assertThat(again.sizeBytes()).isEqualTo(32 << 20);
        assertThat(cluster.await(cluster.write(first, again, 31 << 20, bytes, 0))).isZero();
        assertThat(cluster.read(first, again, 31 << 20, 4096)).isEqualTo(bytes);
        assertThat(cluster.await(cluster.write(first, mine, 31 << 20, bytes, 0)))
                .isEqualTo(Errno.ENOSPC);
    }

    @Test
    void an_unknown_export_is_refused() {
        int[] errno = {0};
        first.gateway.open(
                "nothing",
                new Gateway.Opened() {
                    @Override
                    public void opened(BlockDevice device) {
                        errno[0] = -1;
                    }

                    @Override
                    public void failed(int failed, String why) {
                        errno[0] = failed;
                    }
                });
        cluster.loop.runUntil(() -> errno[0] != 0, 10);
        assertThat(errno[0]).isEqualTo(Errno.ENOENT);
    }

    @Test
    void stopping_flushes_and_detaches() {
        BlockDevice mine = first.open("vol");
        cluster.await(cluster.write(first, mine, 0, bytes, 0));
        boolean[] stopped = {false};
        first.gateway.stop(() -> stopped[0] = true);
        cluster.loop.runUntil(() -> stopped[0], 10);
        assertThat(held()).isNull();
        assertThat(cluster.meta.map.volume(5L).cleanlyDetached()).isTrue();
        assertThat(cluster.disk(1).durable).hasSize(1);
        assertThat(cluster.disk(2).durable).hasSize(1);
    }

    @Test
    void a_detachment_during_an_attachment_that_is_refused_ends() {
        cluster.await(cluster.write(first, first.open("vol"), 0, bytes, 0));
        TestCluster.Node second = cluster.new Node(10);
        BlockDevice other = second.open("vol");
        Answer write = cluster.write(second, other, 0, bytes, 0);
        String[] why = {"waiting"};
        second.gateway.detach(5, answer -> why[0] = answer);
        assertThat(cluster.await(write)).isEqualTo(Errno.EPERM);
        cluster.loop.runUntil(() -> why[0] == null, 10);
        assertThat(held().gatewayId()).isEqualTo(9);
    }

    @Test
    void a_detachment_ends_where_the_volume_is_given_up_meanwhile() {
        cluster.disk(2).kill(false);
        BlockDevice mine = first.open("vol");
        Answer read = new Answer();
        mine.read(0, 512, first.bufs.take(512), 0, read);
        cluster.loop.runFor(TestCluster.SECOND);
        assertThat(first.gateway.status().getFirst().state()).isEqualTo("opening");
        String[] why = {"waiting"};
        first.gateway.detach(5, answer -> why[0] = answer);
        first.gateway.onYieldAsked(5, held().term());
        cluster.loop.runUntil(() -> why[0] == null && held() == null, 10);
    }

    @Test
    void what_an_earlier_life_wrote_is_not_yielded() {
        cluster.await(cluster.write(first, first.open("vol"), 0, bytes, 0));
        first.kill();
        TestCluster.Node again = cluster.new Node(9);
        again.gateway.onYieldAsked(5, 1);
        cluster.loop.runUntil(() -> cluster.meta.lastYield != null, 10);
        assertThat(cluster.meta.lastYield).isFalse();
        cluster.loop.runFor(2 * TestCluster.SECOND);
        assertThat(held().term()).isEqualTo(2);
        // Its own, of which it has written nothing, it gives.
        again.gateway.onYieldAsked(5, 2);
        cluster.loop.runUntil(() -> held() == null, 10);
        assertThat(cluster.meta.map.volume(5L).cleanlyDetached()).isFalse();
    }
}
