package comet.volume;

import static org.assertj.core.api.Assertions.assertThat;

import comet.cluster.VolumeInfo.Durability;
import comet.port.Errno;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class GatewayTest {
    private TestCluster cluster;
    private TestCluster.Node node;

    @BeforeEach
    void start() {
        cluster = new TestCluster(1);
        node = cluster.new Node(9);
    }

    @Test
    void opening_an_export_attaches_nothing_and_a_read_does() {
        BlockDevice device = node.open("vol");
        cluster.loop.runFor(TestCluster.SECOND);
        assertThat(cluster.meta.map.volume(5L).attachment()).isNull();
        assertThat(cluster.read(node, device, 4096, 8192)).isEqualTo(new byte[8192]);
        assertThat(cluster.meta.map.volume(5L).attachment().gatewayId()).isEqualTo(9);
    }

    @Test
    void what_was_written_is_on_both_disks_and_read_back() {
        BlockDevice device = node.open("vol");
        byte[] bytes = cluster.pattern(64 << 10, 7);
        // Across the border of two chunks.
        assertThat(cluster.await(cluster.write(node, device, (4 << 20) - 8192, bytes, 0))).isZero();
        assertThat(cluster.read(node, device, (4 << 20) - 8192, 64 << 10)).isEqualTo(bytes);
        assertThat(cluster.disk(1).chunks).hasSize(2);
        assertThat(cluster.disk(2).chunks).hasSize(2);
        assertThat(cluster.disk(1).durable).isEmpty();
        assertThat(cluster.flush(device)).isZero();
        assertThat(cluster.disk(1).durable).hasSize(2);
        assertThat(cluster.disk(2).durable).hasSize(2);
        assertThat(node.gateway.unsyncedBytes()).isZero();
    }

    @Test
    void parts_of_blocks_are_merged() {
        BlockDevice device = node.open("vol");
        byte[] bytes = cluster.pattern(12288, 7);
        cluster.await(cluster.write(node, device, 0, bytes, 0));
        byte[] middle = cluster.pattern(5000, 8);
        cluster.await(cluster.write(node, device, 3000, middle, 0));
        System.arraycopy(middle, 0, bytes, 3000, 5000);
        assertThat(cluster.read(node, device, 0, 12288)).isEqualTo(bytes);
        assertThat(cluster.read(node, device, 2999, 17))
                .isEqualTo(java.util.Arrays.copyOfRange(bytes, 2999, 3016));
    }

    @Test
    void out_of_range_is_refused() {
        BlockDevice device = node.open("vol");
        assertThat(cluster.await(cluster.write(node, device, (16 << 20) - 10, new byte[11], 0)))
                .isEqualTo(Errno.ENOSPC);
        TestCluster.Answer answer = new TestCluster.Answer();
        device.trim(16 << 20, 1, 0, answer);
        assertThat(cluster.await(answer)).isEqualTo(Errno.EINVAL);
    }

    @Test
    void after_the_last_client_the_volume_is_flushed_and_detached() {
        BlockDevice device = node.open("vol");
        cluster.await(cluster.write(node, device, 0, new byte[4096], 0));
        node.gateway.close(device);
        cluster.loop.runFor(29 * TestCluster.SECOND);
        assertThat(cluster.meta.map.volume(5L).attachment()).isNotNull();
        cluster.loop.runFor(3 * TestCluster.SECOND);
        assertThat(cluster.meta.map.volume(5L).attachment()).isNull();
        assertThat(cluster.meta.map.volume(5L).cleanlyDetached()).isTrue();
        assertThat(cluster.disk(1).durable).hasSize(1);
        // And it comes back.
        BlockDevice again = node.open("vol");
        assertThat(cluster.await(cluster.write(node, again, 8192, new byte[4096], 0))).isZero();
        assertThat(cluster.meta.map.volume(5L).lastTerm()).isEqualTo(2);
    }

    @Test
    void several_under_one_id_leave_alone_what_is_not_theirs() {
        cluster.meta.addVolume(6, "other", 16 << 20, Durability.FLUSH);
        for (int life = 0; life < 2; life++) {
            TestCluster.Node odd = cluster.new Node(11, id -> id % 2 == 1);
            TestCluster.Node even = cluster.new Node(11, id -> id % 2 == 0);
            if (life == 0) {
                byte[] bytes = cluster.pattern(8192, 3);
                for (var both : Map.of("vol", odd, "other", even).entrySet()) {
                    BlockDevice device = both.getValue().open(both.getKey());
                    assertThat(cluster.await(cluster.write(both.getValue(), device, 0, bytes, 0)))
                            .isZero();
                }
            }
            // In the second life nobody opens anything: each takes again what was its own.
            cluster.loop.runUntil(() -> attached(odd) && attached(even), 10);
            assertThat(odd.gateway.status()).extracting(VolumeStatus::volumeId).containsOnly(5L);
            assertThat(even.gateway.status()).extracting(VolumeStatus::volumeId).containsOnly(6L);
            assertThat(cluster.meta.map.volume(5L).lastTerm()).isEqualTo(life + 1);
            assertThat(cluster.meta.map.volume(6L).lastTerm()).isEqualTo(life + 1);
            assertThat(odd.gateway.exportNames()).containsExactly("other", "vol");
            if (life == 0) {
                odd.kill();
                even.kill();
            }
        }
    }

    private static boolean attached(TestCluster.Node of) {
        return of.gateway.status().stream().anyMatch(v -> v.state().equals("attached"));
    }

    /// The group asks all who speak for the gateway.
    @Test
    void only_the_owner_of_a_volume_answers_for_it() {
        TestCluster.Node odd = cluster.new Node(11, id -> id % 2 == 1);
        TestCluster.Node even = cluster.new Node(11, id -> id % 2 == 0);
        cluster.read(odd, odd.open("vol"), 0, 4096);
        long term = cluster.meta.map.volume(5L).attachment().term();
        even.gateway.onYieldAsked(5, term);
        cluster.loop.runFor(TestCluster.SECOND);
        assertThat(cluster.meta.lastYield).isNull();
        odd.gateway.onYieldAsked(5, term);
        cluster.loop.runUntil(() -> cluster.meta.lastYield != null, 10);
        assertThat(cluster.meta.lastYield).isTrue();
    }

    @Test
    void what_several_have_together_is_never_more() {
        GatewayConfig whole = GatewayConfig.defaults();
        for (int count : new int[] {1, 2, 3, 16, 64}) {
            GatewayConfig each = whole.share(count);
            assertThat(count * each.inFlightBytesMax())
                    .isLessThanOrEqualTo(whole.inFlightBytesMax());
            assertThat(count * each.unsyncedBytesMax())
                    .isLessThanOrEqualTo(whole.unsyncedBytesMax());
            assertThat(each.volumeInFlightBytesMax()).isLessThanOrEqualTo(each.inFlightBytesMax());
        }
        assertThat(whole.share(1)).isEqualTo(whole);
    }
}
