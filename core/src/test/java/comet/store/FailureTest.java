package comet.store;

import static org.assertj.core.api.Assertions.assertThat;

import comet.port.Errno;
import comet.store.fake.MemMedia;
import comet.wire.BlockState;
import comet.wire.Frame;
import comet.wire.ReadReply;
import comet.wire.WriteRequest;
import java.util.List;
import org.junit.jupiter.api.Test;

/// Errors of the device, rot, missing files: what the disk then says and does.
class FailureTest {
    private static final int DATA = WriteRequest.OP_DATA;

    private static StoreRig rig(int seed) {
        return new StoreRig(StoreConfig.small(), seed).formatted().open();
    }

    private static int syncResult(StoreRig rig) {
        int[] result = {1};
        rig.disk().sync(rig.disk().appliedSequence(), (token, r) -> result[0] = r, 0);
        rig.loop.runUntil(() -> result[0] <= 0);
        return result[0];
    }

    /// The disk has failed: it applies nothing, says so once, and still serves what it can.
    private static void assertFailed(StoreRig rig) {
        assertThat(rig.disk().failed()).isTrue();
        assertThat(rig.events.stream().filter(e -> e.startsWith("ERROR disk-failed"))).hasSize(1);
        assertThat(syncResult(rig)).isEqualTo(-Errno.EIO);
        assertThat(rig.disk().setFence(9, 9)).isEqualTo(-1);
        assertThat(rig.disk().fence(9)).isZero();
        assertThat(rig.disk().hasRoom(4096)).isTrue();
        assertThat(rig.disk().grant(4096)).isFalse();
        boolean[] woken = new boolean[1];
        rig.disk().whenRoom(() -> woken[0] = true);
        rig.loop.runUntil(() -> woken[0]);
        assertThat(woken[0]).isTrue();
        int[] closed = {1};
        rig.disk().close((token, r) -> closed[0] = r, 0);
        rig.loop.runUntil(() -> closed[0] <= 0);
        assertThat(closed[0]).isEqualTo(-Errno.EIO);
        rig.media.failWrites = null;
        rig.media.failSyncs = null;
        rig.index.failCommits = false;
        rig.crash(MemMedia.Crash.LOSE);
        rig.open();
        assertThat(rig.disk().clean()).isFalse();
    }

    @Test
    void an_index_without_room_is_tried_again_until_there_is() {
        StoreRig rig = rig(20);
        rig.write(1, 0, DATA, 0, 8);
        assertThat(rig.sync()).isTrue();
        rig.index.full = true;
        rig.disk().startCheckpoint();
        rig.loop.runFor(5_000_000_000L);
        assertThat(rig.disk().failed()).isFalse();
        assertThat(rig.events.stream().filter(e -> e.startsWith("ERROR disk-full"))).hasSize(1);
        rig.write(1, 0, DATA, 4, 8);
        assertThat(rig.sync()).isTrue();
        rig.check();
        rig.index.full = false;
        rig.loop.runFor(5_000_000_000L);
        assertThat(rig.disk().counters().checkpoints).isEqualTo(2);
        assertThat(rig.disk().journalUsedBytes()).isZero();
        rig.check();
    }

    @Test
    void a_stop_without_room_leaves_everything_in_the_ring() {
        StoreRig rig = rig(21).registered(7);
        rig.write(1, 0, DATA, 0, 8);
        assertThat(rig.sync()).isTrue();
        rig.index.full = true;
        assertThat(rig.close()).isFalse();
        rig.crash(MemMedia.Crash.LOSE);
        rig.open();
        assertThat(rig.disk().clean()).isFalse();
        rig.check();
    }

    @Test
    void failing_write_of_the_journal() {
        StoreRig rig = rig(1);
        rig.write(1, 0, DATA, 0, 1);
        rig.sync();
        rig.media.failWrites = "journal";
        rig.disk().setFence(1, 1);
        assertThat(syncResult(rig)).isEqualTo(-Errno.EIO);
        rig.check();
        assertFailed(rig);
        rig.check();
    }

    @Test
    void failing_sync_of_the_journal_is_never_tried_again() {
        StoreRig rig = rig(2);
        rig.write(1, 0, DATA, 0, 1);
        rig.sync();
        rig.media.failSyncs = "journal";
        rig.disk().setFence(1, 1);
        assertThat(syncResult(rig)).isEqualTo(-Errno.EIO);
        rig.media.failSyncs = null;
        long syncs = rig.media.syncs;
        assertThat(syncResult(rig)).isEqualTo(-Errno.EIO);
        rig.loop.runFor(5_000_000_000L);
        assertThat(rig.media.syncs).isEqualTo(syncs);
        assertFailed(rig);
    }

    /// What a failed sync has left unwritten can still be read by the next process of the machine,
    /// which says of all that it has replayed that it is durable.
    @Test
    void what_is_replayed_after_a_failed_sync_is_made_durable_anew() {
        for (int variant = 0; variant < 3; variant++) {
            StoreRig rig = rig(10);
            int writes = 2 + 150 * variant;
            rig.write(1, 0, DATA, 0, 1);
            rig.sync();
            rig.checkpoint();
            rig.write(1, 0, DATA, 1, 1);
            rig.sync();
            rig.media.failSyncs = "journal";
            for (int i = 0; i < writes && !rig.disk().failed(); i++) {
                rig.awaitRoom(4 * 4096);
                rig.write(2, i, DATA, 0, 4);
                rig.loop.runFor(300_000);
            }
            rig.loop.runUntil(() -> rig.disk().failed());
            List<Model> before = rig.history;
            int synced = rig.syncedChanges;
            rig.restart();
            rig.open();
            assertThat(rig.disk().damaged()).isFalse();
            assertThat(rig.adoptSurvivors(before, synced)).isGreaterThan(synced);
            assertThat(rig.disk().durableSequence()).isEqualTo(rig.disk().appliedSequence());
            rig.write(3, 0, DATA, 0, 1);
            assertThat(rig.sync()).isTrue();
            rig.crash(MemMedia.Crash.LOSE);
            rig.open();
            assertThat(rig.disk().damaged()).isFalse();
            rig.check();
            assertThat(rig.checkpoint()).isTrue();
            rig.check();
            SpaceCheck.check(rig);
        }
    }

    /// Segments: what a failed sync left unwritten there is still in the ring, and is written
    /// again.
    @Test
    void a_checkpoint_after_a_failed_one_writes_all_of_it_again() {
        StoreRig rig = rig(11);
        rig.write(1, 0, DATA, 0, 8);
        rig.checkpoint();
        rig.write(1, 0, DATA, 2, 8);
        rig.media.failSyncs = "segments/";
        rig.disk().startCheckpoint();
        rig.loop.runUntil(() -> rig.disk().failed());
        rig.restart();
        rig.open();
        rig.check();
        assertThat(rig.checkpoint()).isTrue();
        rig.crash(MemMedia.Crash.LOSE);
        rig.open();
        rig.check();
        SpaceCheck.check(rig);
    }

    /// Power goes while replayed batches are written again.
    @Test
    void each_step_of_writing_again() {
        for (int step = 1; step < 12; step++) {
            for (MemMedia.Crash kind : MemMedia.Crash.values()) {
                StoreRig rig = rig(12);
                rig.write(1, 0, DATA, 1, 1);
                rig.sync();
                rig.media.failSyncs = "journal";
                for (int i = 0; i < 3; i++) {
                    rig.write(2, i, DATA, 0, 16);
                    rig.loop.runFor(300_000);
                }
                rig.loop.runUntil(() -> rig.disk().failed());
                List<Model> before = rig.history;
                int synced = rig.syncedChanges;
                rig.restart();
                rig.media.crashAfter(step);
                rig.tryOpen();
                boolean opened = rig.isOpen();
                rig.crash(kind);
                rig.open();
                assertThat(rig.disk().damaged()).isFalse();
                int survived = rig.adoptSurvivors(before, synced);
                assertThat(!opened || survived > synced).isTrue();
            }
        }
    }

    @Test
    void failing_segment_write_sync_and_commit() {
        for (int variant = 0; variant < 3; variant++) {
            StoreRig rig = rig(3);
            rig.write(1, 0, DATA, 0, 5);
            rig.sync();
            switch (variant) {
                case 0 -> rig.media.failWrites = "segments/";
                case 1 -> rig.media.failSyncs = "segments/";
                default -> rig.index.failCommits = true;
            }
            rig.disk().startCheckpoint();
            rig.loop.runUntil(() -> rig.disk().failed());
            rig.check();
            assertFailed(rig);
            rig.check();
            assertThat(rig.checkpoint()).isTrue();
            rig.check();
        }
    }

    @Test
    void who_waits_for_a_sync_when_the_disk_fails_is_told() {
        StoreRig rig = rig(4);
        rig.media.failSyncs = "journal";
        int[] told = new int[1];
        for (int i = 0; i < 5; i++) {
            rig.write(1, i, DATA, 0, 1);
            rig.disk().sync(rig.disk().appliedSequence(), (token, r) -> told[0] += r, 0);
        }
        rig.loop.runUntil(() -> told[0] == 5 * -Errno.EIO);
        assertThat(told[0]).isEqualTo(5 * -Errno.EIO);
        assertFailed(rig);
    }

    @Test
    void a_rotten_block_is_corrupt_and_can_be_repaired() {
        StoreRig rig = rig(5);
        rig.write(1, 0, DATA, 0, 8);
        rig.close();
        rig.open();
        byte[] before = rig.media.peek("segments/000001", 3 * 4096, 4096);
        rig.media.rot("segments/000001", 3 * 4096 + 100);
        Frame reply = rig.read(1, 0, 0, 8);
        assertThat(ReadReply.dataBlocks(reply)).isEqualTo(7);
        for (int i = 0; i < 8; i++) {
            assertThat(ReadReply.state(reply, i))
                    .isEqualTo(i == 3 ? BlockState.CORRUPT : BlockState.DATA);
        }
        comet.base.Crc crc = new comet.base.Crc();
        assertThat(crc.of(reply.data(), reply.dataOffset() + 3 * 4096, 4096))
                .as("the block behind it moves up")
                .isEqualTo(ReadReply.crc(reply, 4));
        reply.release();
        assertThat(rig.disk().counters().corruptBlocks).isEqualTo(1);
        assertThat(rig.events)
                .anyMatch(e -> e.startsWith("WARN corrupt-block volume=1 chunk=0 block=3"));
        assertThat(rig.disk().failed()).isFalse();
        comet.base.Buf good = rig.pool.take(4096);
        good.bytes().put(0, before);
        rig.disk().copyBlock(1, 0, 1, 0, 3, BlockState.DATA, 1, crc.of(good, 0, 4096), good, 0);
        good.release();
        rig.check();
        rig.checkpoint();
        rig.check();
        assertThat(rig.pool.bytesOut()).isLessThan(64 << 10);
    }

    @Test
    void what_cannot_be_read_is_corrupt() {
        StoreRig rig = rig(6);
        rig.write(1, 0, DATA, 0, 8);
        rig.checkpoint();
        rig.write(1, 0, DATA, 4, 1);
        rig.media.failReads = "segments/";
        Frame reply = rig.read(1, 0, 2, 4);
        assertThat(ReadReply.state(reply, 0)).isEqualTo(BlockState.CORRUPT);
        assertThat(ReadReply.state(reply, 2)).as("in memory").isEqualTo(BlockState.DATA);
        assertThat(ReadReply.state(reply, 3)).isEqualTo(BlockState.CORRUPT);
        reply.release();
        rig.media.failReads = null;
        rig.check();
    }

    @Test
    void rot_in_the_ring_of_what_left_memory_is_corrupt_not_spread() {
        StoreRig rig =
                new StoreRig(StoreConfig.small().withMemory(0, 64 << 10), 7).formatted().open();
        rig.write(1, 0, DATA, 0, 2);
        rig.sync();
        rig.write(1, 1, DATA, 0, 1);
        rig.sync();
        rig.check();
        assertThat(rig.disk().counters().blocksReadRing).isGreaterThan(0);
        rig.media.rot("journal", 4096 + 4096 + 5);
        assertThat(rig.state(1, 0, 0)).isEqualTo(BlockState.CORRUPT);
        assertThat(rig.state(1, 0, 1)).isEqualTo(BlockState.DATA);
        rig.checkpoint();
        assertThat(rig.state(1, 0, 0)).isEqualTo(BlockState.CORRUPT);
        assertThat(rig.state(1, 0, 1)).isEqualTo(BlockState.DATA);
    }

    /// Ten chunks of ten blocks each, all of them in segments.
    private static StoreRig closedWithTenChunks() {
        StoreRig rig =
                new StoreRig(StoreConfig.small().withSpace(256 << 10, 0, 0), 8).formatted().open();
        for (int i = 0; i < 10; i++) {
            rig.write(1, i, DATA, 0, 10);
        }
        rig.close();
        return rig;
    }

    private static void assertAllLost(StoreRig rig, int chunk) {
        assertThat(rig.table(1, chunk, 0))
                .filteredOn(block -> block.state() == BlockState.LOST && block.version() == 1)
                .hasSize(10);
    }

    @Test
    void a_missing_segment_loses_its_blocks_and_nothing_else() {
        StoreRig rig = closedWithTenChunks();
        rig.media.remove("segments/000001");
        rig.open();
        assertThat(rig.events).anyMatch(e -> e.startsWith("ERROR segment-missing"));
        assertThat(rig.disk().missingSegments()).isEqualTo(1);
        assertThat(rig.state(1, 0, 0)).isEqualTo(BlockState.LOST);
        assertThat(rig.state(1, 9, 0)).isEqualTo(BlockState.DATA);
        assertAllLost(rig, 0);
        // Written again, everything is fine; the number of the missing file is not used again.
        for (int i = 0; i < 10; i++) {
            rig.write(1, i, DATA, 0, 10);
        }
        rig.drop(1, 3);
        rig.checkpoint();
        rig.check();
        rig.close();
        rig.open();
        rig.check();
        assertThat(rig.media.list("segments")).doesNotContain("000001");
    }

    /// Somebody has cut a segment's end off.
    @Test
    void a_segment_that_is_too_short_loses_the_blocks_behind_its_end() {
        StoreRig rig = closedWithTenChunks();
        byte[] left = rig.media.peek("segments/000001", 0, 64 << 10);
        rig.media.remove("segments/000001");
        rig.media.create("segments/000001", 64 << 10, comet.port.Media.Access.CACHED, (f, e) -> {});
        rig.loop.runFor(1_000_000);
        rig.media.poke("segments/000001", 0, left);
        rig.open();
        assertThat(rig.events).anyMatch(e -> e.startsWith("ERROR segment-short"));
        assertThat(rig.state(1, 0, 0)).isEqualTo(BlockState.DATA);
        assertThat(rig.state(1, 5, 0)).isEqualTo(BlockState.LOST);
        assertThat(rig.state(1, 9, 0)).isEqualTo(BlockState.DATA);
        assertAllLost(rig, 5);
        // Written, trimmed and dropped as if nothing were wrong.
        for (int i = 0; i < 10; i++) {
            rig.write(1, i, i == 3 ? WriteRequest.OP_TRIM : DATA, 0, 10);
        }
        rig.drop(1, 5);
        assertThat(rig.checkpoint()).isTrue();
        rig.check();
        SpaceCheck.check(rig);
        rig.close();
        rig.open();
        rig.check();
        SpaceCheck.check(rig);
    }

    @Test
    void an_index_that_cannot_be_read_at_the_start_is_refused() {
        StoreRig rig = rig(14);
        rig.write(1, 0, DATA, 0, 3);
        rig.close();
        rig.index.failScans = true;
        assertThat(rig.tryOpen()).contains("cannot read the index");
        rig.index.failScans = false;
        rig.open();
        rig.check();
    }

    @Test
    void an_index_that_cannot_be_read_fails_the_disk() {
        StoreRig rig = rig(9);
        rig.write(1, 0, DATA, 0, 1);
        rig.close();
        rig.open();
        rig.index.failGets = true;
        Frame reply = rig.frames.take();
        ReadReply.start(reply, 1, 0, 1, 1, 1, false);
        int[] result = {1};
        rig.disk().read(1, 0, 0, 0, 1, reply, (token, r) -> result[0] = r, 0);
        rig.loop.runUntil(() -> result[0] <= 0);
        assertThat(result[0]).isEqualTo(-Errno.EIO);
        reply.release();
        rig.index.failGets = false;
        assertFailed(rig);
    }
}
