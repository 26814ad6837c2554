package comet.store;

import static org.assertj.core.api.Assertions.assertThat;

import comet.base.Prng;
import comet.port.Errno;
import comet.store.fake.MemMedia;
import comet.wire.BlockState;
import comet.wire.Frame;
import comet.wire.ReadReply;
import comet.wire.WriteRequest;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/// One disk from its first write to its clean stop and its next starts.
class DiskTest {
    private static final int DATA = WriteRequest.OP_DATA;

    @Test
    void writes_are_seen_at_once_and_after_checkpoint_and_restart() {
        StoreRig rig = new StoreRig(StoreConfig.small(), 1).formatted().open().registered(7);
        rig.write(1, 0, DATA, 0, 3);
        rig.write(1, 0, DATA, 2, 2);
        rig.write(2, 7, DATA, 1000, 10);
        rig.write(1, 0, WriteRequest.OP_ZERO, 100, 50);
        rig.write(1, 0, WriteRequest.OP_TRIM, 0, 1);
        rig.fence(1, 9);
        rig.note("map", new byte[50_000]);
        rig.check();
        assertThat(rig.sync()).isTrue();
        rig.check();
        assertThat(rig.checkpoint()).isTrue();
        rig.check();
        rig.write(1, 0, DATA, 1, 1);
        rig.check();
        assertThat(rig.close()).isTrue();
        rig.open();
        assertThat(rig.disk().clean()).isTrue();
        assertThat(rig.disk().startCount()).isEqualTo(2);
        rig.check();
        assertThat(rig.frames.out()).isZero();
    }

    @Test
    void synced_writes_survive_a_crash() {
        StoreRig rig = new StoreRig(StoreConfig.small(), 2).formatted().open();
        rig.write(1, 0, DATA, 0, 3);
        rig.write(1, 5, DATA, 0, 3);
        rig.sync();
        rig.crash(MemMedia.Crash.LOSE);
        rig.open();
        assertThat(rig.disk().clean()).isFalse();
        rig.check();
        rig.drop(1, 5);
        rig.sync();
        rig.write(1, 5, DATA, 0, 1);
        rig.setVersion(1, 5, 77);
        rig.copy(1, 0, 1, 4, BlockState.DATA, 3);
        rig.copy(1, 0, 1, 0, BlockState.ABSENT, 0);
        rig.copy(1, 0, 1, 1, BlockState.LOST, 2);
        rig.check();
        rig.checkpoint();
        rig.check();
        rig.sync();
        rig.crash(MemMedia.Crash.LOSE);
        rig.open();
        rig.check();
        assertThat(rig.disk().damaged()).isFalse();
    }

    @Test
    void less_memory_for_the_journal_lets_go_of_what_is_there() {
        StoreRig rig = new StoreRig(StoreConfig.small(), 3).formatted().open();
        for (int chunk = 0; chunk < 4; chunk++) {
            rig.write(1, chunk, DATA, 0, 8);
        }
        rig.sync();
        assertThat(rig.disk().pendingBytes()).isGreaterThanOrEqualTo(4 * 8 * 4096);
        rig.disk().limitPending(48 << 10);
        assertThat(rig.disk().pendingBytes()).isLessThanOrEqualTo(48 << 10);
        rig.check();
        rig.write(1, 4, DATA, 0, 8);
        rig.write(1, 5, DATA, 0, 8);
        rig.sync();
        assertThat(rig.disk().pendingBytes()).isLessThanOrEqualTo(48 << 10);
        rig.check();
    }

    /// When the stop comes a read may wait for the index, a segment or nothing at all.
    @Test
    void reads_under_way_end_before_index_and_files_are_closed() {
        for (int seed = 0; seed < 40; seed++) {
            boolean failed = seed % 2 == 1;
            StoreRig rig = new StoreRig(StoreConfig.small(), seed).formatted().open().registered(7);
            for (int chunk = 0; chunk < 4; chunk++) {
                rig.write(1, chunk, DATA, 0, 3);
            }
            assertThat(rig.close()).isTrue();
            rig.open();
            Disk disk = rig.disk();
            if (failed) {
                rig.media.failWrites = "journal";
                disk.setFence(1, 1);
                assertThat(rig.sync()).isFalse();
            }
            List<String> answers = new ArrayList<>();
            for (int chunk = 0; chunk < 4; chunk++) {
                read(rig, chunk, answers);
                list(rig, chunk, answers);
            }
            for (int steps = 0; steps < seed / 2; steps++) {
                rig.loop.step();
            }
            int endedBefore = answers.size();
            disk.close((_, result) -> answers.add("close " + result), 0);
            read(rig, 0, answers);
            list(rig, 0, answers);
            assertThat(answers).as("answers later").hasSize(endedBefore);
            rig.loop.runUntil(() -> answers.size() == 11);
            assertThat(answers).contains("read " + -Errno.EIO, "list " + Errno.EIO);
            int closed = answers.indexOf("close " + (failed ? -Errno.EIO : 0));
            assertThat(closed).isNotNegative();
            List<String> before = answers.subList(0, closed);
            assertThat(before).filteredOn("read 0"::equals).hasSize(4);
            assertThat(before).filteredOn("list 0"::equals).hasSize(4);
            assertThat(rig.frames.out()).isZero();
        }
    }

    private static void read(StoreRig rig, int chunk, List<String> answers) {
        Frame reply = rig.frames.take();
        ReadReply.start(reply, 1, 0, 1, 1, 3, true);
        rig.disk()
                .read(
                        1,
                        chunk,
                        0,
                        0,
                        3,
                        reply,
                        (_, result) -> {
                            reply.release();
                            answers.add("read " + result);
                        },
                        0);
    }

    private static void list(StoreRig rig, int chunk, List<String> answers) {
        rig.disk()
                .blocks(
                        1,
                        chunk,
                        0,
                        new ChunkStore.BlocksVisitor() {
                            @Override
                            public void block(int block, int state, long version, int crc) {}

                            @Override
                            public void end(int errno) {
                                answers.add("list " + errno);
                            }
                        });
    }

    @Test
    void random_changes_with_restarts_fit_the_model() {
        for (int seed = 0; seed < 10; seed++) {
            StoreConfig config =
                    StoreConfig.small().withLarge(seed % 2 == 0 ? 8 << 10 : Integer.MAX_VALUE);
            StoreRig rig = new StoreRig(config, seed).formatted().open();
            Prng prng = new Prng(seed);
            for (int round = 0; round < 6; round++) {
                for (int i = 0; i < 60; i++) {
                    RandomChanges.one(rig, prng);
                }
                rig.check();
                if (prng.chance(1, 2)) {
                    assertThat(rig.close()).isTrue();
                    rig.open();
                    rig.check();
                } else {
                    if (prng.chance(1, 2)) {
                        rig.sync();
                    }
                    var before = rig.history;
                    int synced = rig.syncedChanges;
                    rig.crash(MemMedia.Crash.values()[prng.nextInt(4)]);
                    rig.open();
                    rig.adoptSurvivors(before, synced);
                }
            }
        }
    }
}
