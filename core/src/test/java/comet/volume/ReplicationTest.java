package comet.volume;

import static org.assertj.core.api.Assertions.assertThat;

import comet.base.Versions;
import comet.cluster.MemberState;
import comet.cluster.PgHash;
import comet.cluster.VolumeInfo.Durability;
import comet.port.Errno;
import comet.volume.TestCluster.Answer;
import comet.wire.BlockState;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/// Both replicas: durability, loss, differences.
class ReplicationTest extends VolumeRig {
    @Test
    void a_flush_waits_for_both_disks_and_covers_what_was_complete() {
        cluster.await(cluster.write(node, device, 0, bytes, 0));
        cluster.disk(2).syncing = false;
        Answer flush = new Answer();
        device.flush(flush);
        cluster.loop.runFor(TestCluster.SECOND);
        assertThat(flush.come()).isFalse();
        assertThat(cluster.disk(1).durable).containsKey(chunk(0));
        cluster.disk(2).syncing = true;
        cluster.net.breakAll("disk:2");
        assertThat(cluster.await(flush)).isZero();
        assertThat(cluster.disk(2).durable).containsKey(chunk(0));
    }

    @Test
    void a_flush_with_nothing_unsynced_asks_nobody() {
        cluster.await(cluster.write(node, device, 0, bytes, 0));
        cluster.flush(device);
        cluster.disk(1).kill(false);
        cluster.disk(2).kill(false);
        assertThat(cluster.flush(device)).isZero();
    }

    @Test
    void a_flush_on_one_connection_covers_writes_answered_on_another() {
        BlockDevice other = node.open("vol");
        cluster.await(cluster.write(node, other, 8192, bytes, 0));
        assertThat(cluster.flush(device)).isZero();
        assertThat(cluster.disk(1).durable).containsKey(chunk(0));
        assertThat(cluster.disk(2).durable).containsKey(chunk(0));
    }

    @Test
    void a_fua_write_is_durable_when_it_is_answered() {
        cluster.await(cluster.write(node, device, 0, bytes, BlockDevice.FUA));
        assertThat(cluster.disk(1).durable).containsKey(chunk(0));
        assertThat(cluster.disk(2).durable).containsKey(chunk(0));
    }

    @Test
    void in_a_volume_with_durable_writes_each_one_is() {
        cluster.meta.addVolume(6, "safe", 4 << 20, Durability.WRITE);
        BlockDevice safe = node.open("safe");
        cluster.await(cluster.write(node, safe, 0, bytes, 0));
        assertThat(cluster.disk(1).durable).containsKey(new FakeDisk.Key(6, 0));
        assertThat(cluster.disk(2).durable).containsKey(new FakeDisk.Key(6, 0));
        assertThat(node.gateway.unsyncedBytes()).isZero();
    }

    @Test
    void what_both_disks_lost_is_sent_again() {
        cluster.await(cluster.write(node, device, 0, bytes, 0));
        cluster.await(cluster.write(node, device, 4096, bytes, 0));
        assertThat(node.gateway.unsyncedBytes()).isEqualTo(8192);
        cluster.disk(1).kill(true);
        cluster.disk(2).kill(true);
        cluster.disk(1).start(true);
        cluster.disk(2).start(true);
        cluster.configure(MemberState.IN_SYNC, MemberState.IN_SYNC);
        assertThat(cluster.read(node, device, 0, 4096)).isEqualTo(bytes);
        assertThat(cluster.read(node, device, 4096, 4096)).isEqualTo(bytes);
        assertThat(cluster.disk(1).chunks).containsKey(chunk(0));
        assertThat(cluster.disk(2).chunks).containsKey(chunk(0));
        assertThat(cluster.flush(device)).isZero();
        assertThat(node.gateway.unsyncedBytes()).isZero();
    }

    @Test
    void a_report_covers_only_what_was_answered_before_it() {
        cluster.disk(1).withhold = true;
        Answer write = cluster.write(node, device, 0, bytes, 0);
        cluster.loop.runFor(100_000_000);
        cluster.disk(1).report(1);
        cluster.disk(2).report(1);
        cluster.disk(1).withheld.forEach(Runnable::run);
        assertThat(cluster.await(write)).isZero();
        assertThat(node.gateway.unsyncedBytes()).isEqualTo(4096);
        cluster.disk(1).report(1);
        assertThat(node.gateway.unsyncedBytes()).isZero();
    }

    @Test
    void a_later_and_lower_report_takes_an_earlier_one_back() {
        cluster.await(cluster.write(node, device, 0, bytes, 0));
        cluster.disk(1).report(1);
        cluster.disk(1).report(0);
        cluster.disk(2).report(1);
        assertThat(node.gateway.unsyncedBytes()).isEqualTo(4096);
        cluster.disk(1).report(1);
        assertThat(node.gateway.unsyncedBytes()).isZero();
    }

    @Test
    void a_write_that_the_last_client_left_on_one_disk_is_levelled_before_the_first_look() {
        cluster.await(cluster.write(node, device, 0, bytes, 0));
        cluster.flush(device);
        node.kill();
        // The next write of the same term reached disk 2 only.
        FakeDisk.Chunk ahead = cluster.disk(2).chunks.get(chunk(0));
        ahead.version = Versions.next(ahead.version, 1);
        ahead.data[0] = cluster.pattern(4096, 77);
        ahead.versions[0] = ahead.version;
        TestCluster.Node next = cluster.new Node(9);
        BlockDevice again = next.open("vol");
        for (int n = 0; n < 10; n++) {
            assertThat(cluster.read(next, again, 0, 4096)).isEqualTo(cluster.pattern(4096, 77));
        }
        assertThat(cluster.disk(1).levels).isEqualTo(1);
        assertThat(cluster.events).noneMatch(event -> event.contains("replica-behind"));
        assertThat(cluster.disk(1).durable.get(chunk(0)).version).isEqualTo(ahead.version);
        assertThat(cluster.await(cluster.write(next, again, 0, bytes, 0))).isZero();
        assertThat(cluster.disk(1).chunks.get(chunk(0)).version)
                .isEqualTo(cluster.disk(2).chunks.get(chunk(0)).version)
                .isEqualTo(Versions.of(2, 1));
    }

    @Test
    void chunks_nobody_touches_are_levelled_too_before_a_clean_detachment() {
        for (int n = 0; n < 4; n++) {
            cluster.await(cluster.write(node, device, (long) n << 22, bytes, 0));
        }
        cluster.flush(device);
        node.kill();
        for (int n = 0; n < 4; n++) {
            FakeDisk.Chunk ahead = cluster.disk(1 + n % 2).chunks.get(chunk(n));
            ahead.version = Versions.next(ahead.version, 1);
            cluster.disk(1 + n % 2).changed.put(chunk(n), ahead);
        }
        cluster.new Node(9);
        cluster.loop.runFor(40 * TestCluster.SECOND);
        assertThat(cluster.meta.map.volume(5L).cleanlyDetached()).isTrue();
        for (int n = 0; n < 4; n++) {
            assertThat(cluster.disk(1).durable.get(chunk(n)).version)
                    .isEqualTo(cluster.disk(2).durable.get(chunk(n)).version);
        }
    }

    @Test
    void a_levelling_whose_source_left_before_it_falls_back_to_the_copy_that_is_left() {
        cluster.await(cluster.write(node, device, 0, bytes, 0));
        cluster.flush(device);
        node.kill();
        FakeDisk.Chunk ahead = cluster.disk(2).chunks.get(chunk(0));
        ahead.version = Versions.next(ahead.version, 1);
        TestCluster.Node next = cluster.new Node(9);
        BlockDevice again = next.open("vol");
        cluster.loop.runUntil(
                () -> cluster.disk(1).levels > 0 || cluster.disk(2).conns.size() > 0, 10);
        cluster.disk(2).kill(false);
        cluster.configure(MemberState.IN_SYNC, MemberState.STALE);
        assertThat(cluster.read(next, again, 0, 4096)).isEqualTo(bytes);
        assertThat(cluster.await(cluster.write(next, again, 0, bytes, 0))).isZero();
    }

    @Test
    void a_write_waits_while_a_member_is_away_and_goes_on_without_it_only_in_a_new_epoch() {
        cluster.await(cluster.write(node, device, 0, bytes, 0));
        cluster.disk(2).kill(false);
        Answer write = cluster.write(node, device, 4096, bytes, 0);
        Answer flush = new Answer();
        device.flush(flush);
        cluster.loop.runFor(20 * TestCluster.SECOND);
        assertThat(write.come()).isFalse();
        assertThat(flush.come()).isFalse();
        assertThat(node.gateway.status().getFirst().waitingFor()).startsWith("disk 2");
        // Reads go to the other one.
        assertThat(cluster.read(node, device, 0, 4096)).isEqualTo(bytes);
        cluster.configure(MemberState.IN_SYNC, MemberState.STALE);
        assertThat(cluster.await(write)).isZero();
        assertThat(cluster.await(flush)).isZero();
        assertThat(cluster.disk(1).durable.get(chunk(0)).version).isEqualTo(Versions.of(1, 2));
    }

    @Test
    void what_is_not_durable_goes_to_a_new_member_too() {
        cluster.disk(2).kill(false);
        cluster.configure(MemberState.IN_SYNC, MemberState.STALE);
        cluster.await(cluster.write(node, device, 0, bytes, 0));
        cluster.disk(2).start(true);
        cluster.configure(MemberState.IN_SYNC, MemberState.RECOVERING);
        cluster.loop.runFor(100_000_000);
        assertThat(cluster.flush(device)).isZero();
        assertThat(cluster.disk(2).chunks.get(chunk(0)).version).isEqualTo(Versions.of(1, 1));
    }

    @Test
    void a_block_that_is_bad_on_one_disk_is_read_from_the_other() {
        cluster.await(cluster.write(node, device, 0, bytes, 0));
        // Disk 1 is on the gateway's host and asked first.
        for (int n = 0; n < 4; n++) {
            cluster.disk(1).corruptReads = 1;
            assertThat(cluster.read(node, device, 0, 4096)).isEqualTo(bytes);
            assertThat(cluster.disk(1).corruptReads).isZero();
        }
        assertThat(cluster.events).anyMatch(event -> event.contains("block-bad"));
    }

    @Test
    void a_bit_that_flips_on_the_way_is_noticed() {
        cluster.await(cluster.write(node, device, 0, bytes, 0));
        cluster.disk(1).flippedReads = 1;
        assertThat(cluster.read(node, device, 0, 4096)).isEqualTo(bytes);
        assertThat(cluster.disk(1).flippedReads).isZero();
        assertThat(cluster.events).anyMatch(event -> event.contains("block-bad"));
    }

    @Test
    void a_block_lost_on_both_is_an_io_error_until_it_is_overwritten() {
        cluster.await(cluster.write(node, device, 0, cluster.pattern(8192, 3), 0));
        for (int disk = 1; disk <= 2; disk++) {
            cluster.disk(disk).chunks.get(chunk(0)).state[1] = BlockState.LOST;
        }
        Answer read = new Answer();
        device.read(0, 8192, node.bufs.take(8192), 0, read);
        assertThat(cluster.await(read)).isEqualTo(Errno.EIO);
        assertThat(cluster.await(cluster.write(node, device, 5000, new byte[1], 0)))
                .isEqualTo(Errno.EIO);
        assertThat(cluster.await(cluster.write(node, device, 4096, bytes, 0))).isZero();
        assertThat(cluster.read(node, device, 4096, 4096)).isEqualTo(bytes);
    }

    @Test
    void two_half_bad_replicas_make_a_whole() {
        byte[] both = cluster.pattern(8192, 3);
        cluster.await(cluster.write(node, device, 0, both, 0));
        cluster.disk(1).chunks.get(chunk(0)).state[0] = BlockState.LOST;
        cluster.disk(2).chunks.get(chunk(0)).state[1] = BlockState.LOST;
        assertThat(cluster.read(node, device, 0, 8192)).isEqualTo(both);
    }

    @Test
    void a_replica_that_lost_writes_without_saying_so_is_not_believed() {
        cluster.await(cluster.write(node, device, 0, cluster.pattern(4096, 2), 0));
        FakeDisk.Chunk old = cluster.disk(1).chunks.get(chunk(0)).copy();
        cluster.await(cluster.write(node, device, 0, bytes, 0));
        cluster.disk(1).chunks.put(chunk(0), old);
        for (int n = 0; n < 6; n++) {
            assertThat(cluster.read(node, device, 0, 4096)).isEqualTo(bytes);
        }
        assertThat(cluster.events).anyMatch(event -> event.contains("replica-behind"));
    }

    @Test
    void replicas_that_all_lost_a_write_are_told_of_once_a_second() {
        cluster.await(cluster.write(node, device, 0, bytes, 0));
        for (int disk = 1; disk <= 2; disk++) {
            cluster.disk(disk).chunks.get(chunk(0)).version--;
        }
        Answer read = new Answer();
        device.read(0, 4096, node.bufs.take(4096), 0, read);
        cluster.loop.runFor(3 * TestCluster.SECOND);
        assertThat(read.come()).isFalse();
        assertThat(cluster.events.stream().filter(event -> event.contains("replica-behind")))
                .hasSizeBetween(2, 4);
    }

    @Test
    void a_chunk_that_was_durable_and_that_nobody_lists_any_more_is_waited_for() {
        cluster.meta.addVolume(6, "large", 256 << 20, Durability.FLUSH);
        BlockDevice large = node.open("large");
        int gone = 0;
        int begun = 1;
        while (PgHash.of(6, begun, TestCluster.PGS) != PgHash.of(6, gone, TestCluster.PGS)) {
            begun++;
        }
        cluster.await(cluster.write(node, large, (long) gone << 22, bytes, 0));
        assertThat(cluster.flush(large)).isZero();
        cluster.await(cluster.write(node, large, (long) begun << 22, bytes, 0));
        FakeDisk.Chunk lost = cluster.disk(2).chunks.get(new FakeDisk.Key(6, gone));
        for (int disk = 1; disk <= 2; disk++) {
            cluster.disk(disk).chunks.remove(new FakeDisk.Key(6, begun));
            cluster.disk(disk).changed.clear();
            cluster.disk(disk).chunks.remove(new FakeDisk.Key(6, gone));
        }
        cluster.configure(MemberState.IN_SYNC, MemberState.IN_SYNC);
        Answer write = cluster.write(node, large, (long) gone << 22, bytes, 0);
        cluster.loop.runFor(5 * TestCluster.SECOND);
        assertThat(write.come()).isFalse();
        assertThat(cluster.events)
                .anyMatch(event -> event.startsWith("ERROR chunk-behind volume=6 chunk=" + gone))
                .noneMatch(event -> event.contains("replica-behind"))
                .noneMatch(event -> event.contains("write-refused"));
        cluster.disk(2).chunks.put(new FakeDisk.Key(6, gone), lost);
        assertThat(cluster.await(write)).isZero();
        assertThat(cluster.read(node, large, (long) begun << 22, 4096)).isEqualTo(bytes);
        assertThat(cluster.flush(large)).isZero();
    }

    @Test
    void trims_and_zeroes_of_absent_chunks_send_nothing() {
        cluster.read(node, device, 0, 4096);
        Answer trim = new Answer();
        device.trim(0, 16 << 20, 0, trim);
        assertThat(cluster.await(trim)).isZero();
        Answer zero = new Answer();
        device.writeZeroes(100, (16 << 20) - 200, 0, zero);
        assertThat(cluster.await(zero)).isZero();
        assertThat(cluster.disk(1).writesSeen).isZero();
        Answer allocate = new Answer();
        device.writeZeroes(0, 8192, BlockDevice.NO_HOLE, allocate);
        assertThat(cluster.await(allocate)).isZero();
        assertThat(cluster.disk(1).chunks.get(chunk(0)).state[0]).isEqualTo(BlockState.DATA);
        Answer fast = new Answer();
        device.writeZeroes(0, 8192, BlockDevice.NO_HOLE | BlockDevice.FAST_ZERO, fast);
        assertThat(cluster.await(fast)).isEqualTo(Errno.ENOTSUP);
    }

    @Test
    void zeroes_that_hold_no_whole_block_are_not_fast() {
        byte[] data = cluster.pattern(12_288, 3);
        cluster.await(cluster.write(node, device, 0, data, 0));
        for (int[] range : new int[][] {{0, 4095}, {1, 8190}, {5000, 10}}) {
            Answer fast = new Answer();
            device.writeZeroes(range[0], range[1], BlockDevice.FAST_ZERO, fast);
            assertThat(cluster.await(fast)).isEqualTo(Errno.ENOTSUP);
        }
        assertThat(cluster.read(node, device, 0, 12_288)).isEqualTo(data);
        Answer fast = new Answer();
        device.writeZeroes(1, 8191, BlockDevice.FAST_ZERO, fast);
        assertThat(cluster.await(fast)).isZero();
        java.util.Arrays.fill(data, 1, 8192, (byte) 0);
        assertThat(cluster.read(node, device, 0, 12_288)).isEqualTo(data);
    }

    @Test
    void zeroes_are_exact_and_trims_keep_to_whole_blocks() {
        byte[] data = cluster.pattern(20_480, 3);
        cluster.await(cluster.write(node, device, 0, data, 0));
        Answer zero = new Answer();
        device.writeZeroes(100, 9000, 0, zero);
        assertThat(cluster.await(zero)).isZero();
        java.util.Arrays.fill(data, 100, 9100, (byte) 0);
        assertThat(cluster.read(node, device, 0, 20_480)).isEqualTo(data);
        assertThat(cluster.disk(1).chunks.get(chunk(0)).state[1]).isEqualTo(BlockState.ZERO);
        Answer trim = new Answer();
        device.trim(10_000, 9000, 0, trim);
        assertThat(cluster.await(trim)).isZero();
        java.util.Arrays.fill(data, 12_288, 16_384, (byte) 0);
        assertThat(cluster.read(node, device, 0, 20_480)).isEqualTo(data);
        assertThat(cluster.disk(1).chunks.get(chunk(0)).state[3]).isEqualTo(BlockState.ABSENT);
    }

    @Test
    void trims_that_are_complete_and_not_durable_count_as_something_to_lose() {
        cluster.await(cluster.write(node, device, 0, bytes, 0));
        assertThat(cluster.flush(device)).isZero();
        assertThat(node.gateway.status().getFirst().unsyncedWrites()).isZero();
        Answer trim = new Answer();
        device.trim(0, 4096, 0, trim);
        assertThat(cluster.await(trim)).isZero();
        assertThat(node.gateway.status().getFirst().unsyncedBytes()).isPositive();
        assertThat(node.gateway.status().getFirst().unsyncedWrites()).isEqualTo(1);
    }

    private List<String> extents(long offset, long length) {
        List<String> runs = new ArrayList<>();
        boolean[] done = {false};
        device.status(
                offset,
                length,
                new BlockDevice.Extents() {
                    @Override
                    public boolean extent(long run, boolean hole, boolean zero) {
                        runs.add(run + (hole ? " hole" : " data"));
                        return true;
                    }

                    @Override
                    public void done(int errno) {
                        assertThat(errno).isZero();
                        done[0] = true;
                    }
                });
        cluster.loop.runUntil(() -> done[0], 10);
        return runs;
    }

    @Test
    void status_tells_runs_across_chunks_and_follows_our_own_writes() {
        assertThat(extents(0, 16 << 20)).containsExactly((16 << 20) + " hole");
        cluster.await(cluster.write(node, device, (4 << 20) - 4096, new byte[8192], 0));
        assertThat(extents(0, 16 << 20))
                .containsExactly(
                        (4 << 20) - 4096 + " hole",
                        "8192 data",
                        (16 << 20) - (4 << 20) - 4096 + " hole");
        cluster.await(cluster.write(node, device, 0, new byte[4096], 0));
        assertThat(extents(1000, 5000)).containsExactly("3096 data", "1904 hole");
        Answer trim = new Answer();
        device.trim(0, 4096, 0, trim);
        cluster.await(trim);
        assertThat(extents(0, 8192)).containsExactly("8192 hole");
    }

    @Test
    void the_group_may_be_away_while_nothing_fails() {
        cluster.await(cluster.write(node, device, 0, bytes, 0));
        cluster.meta.away = true;
        for (int n = 0; n < 4; n++) {
            assertThat(cluster.await(cluster.write(node, device, (long) n << 22, bytes, 0)))
                    .isZero();
        }
        cluster.net.breakAll("disk:1");
        assertThat(cluster.flush(device)).isZero();
        assertThat(cluster.read(node, node.open("vol"), 0, 4096)).isEqualTo(bytes);
    }

    @Test
    void counters_count() {
        cluster.await(cluster.write(node, device, 0, bytes, 0));
        cluster.read(node, device, 0, 4096);
        cluster.flush(device);
        VolumeStatus status = node.gateway.status().getFirst();
        assertThat(status.stats().changes.count()).isEqualTo(1);
        assertThat(status.stats().reads.count()).isEqualTo(1);
        assertThat(status.stats().flushes.count()).isEqualTo(1);
        assertThat(status.stats().writtenBytes()).isEqualTo(4096);
        assertThat(status.stats().readBytes()).isEqualTo(4096);
        assertThat(PgHash.of(5, 0, TestCluster.PGS)).isBetween(0, TestCluster.PGS - 1);
    }
}
