package comet.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import comet.store.fake.MemMedia;
import comet.wire.BlockState;
import comet.wire.WriteRequest;
import java.util.List;
import org.junit.jupiter.api.Test;

/// Writes whose data goes straight to segments. That they survive crashes is shown by the programs
/// of [CrashTest].
class LargeWriteTest {
    private static final int DATA = WriteRequest.OP_DATA;
    private static final StoreConfig CONFIG = StoreConfig.small().withLarge(16 << 10);

    private static StoreRig rig(StoreConfig config, long seed) {
        return new StoreRig(config, seed).formatted().open();
    }

    @Test
    void data_goes_to_the_device_once() {
        StoreRig rig = rig(CONFIG, 1);
        rig.write(1, 0, DATA, 0, 16);
        rig.write(1, 0, DATA, 32, 3);
        assertThat(rig.sync()).isTrue();
        assertThat(rig.checkpoint()).isTrue();
        StoreCounters counters = rig.disk().counters();
        assertThat(counters.largeWrites).isEqualTo(1);
        assertThat(counters.segmentBytesWritten).isEqualTo((16 + 3) * 4096L);
        assertThat(counters.journalBytesWritten).isLessThan(8 * 4096L);
        rig.check();
        SpaceCheck.check(rig);
    }

    @Test
    void it_is_read_while_it_is_on_its_way_and_after() {
        StoreRig rig = rig(CONFIG, 2);
        rig.write(1, 0, DATA, 0, 16);
        rig.check();
        rig.write(1, 0, DATA, 4, 4);
        rig.write(1, 0, DATA, 6, 1);
        rig.check();
        rig.loop.runFor(200_000_000);
        rig.check();
        assertThat(rig.checkpoint()).isTrue();
        rig.check();
    }

    @Test
    void what_is_overwritten_or_dropped_before_a_checkpoint_is_free_after_it() {
        StoreRig rig = rig(CONFIG, 3);
        for (int i = 0; i < 5; i++) {
            rig.awaitRoom(64 << 10);
            rig.write(1, 0, DATA, 0, 16);
            rig.write(1, 1, DATA, 8 * i, 16);
            rig.write(2, 0, DATA, 0, 8);
        }
        rig.write(1, 0, DATA, 3, 1);
        rig.drop(2, 0);
        assertThat(rig.checkpoint()).isTrue();
        SpaceCheck.check(rig);
        assertThat(rig.disk().usedBytes()).isEqualTo((16 + 48) * 4096L);
        // Now they lie in the index, and are replaced from there.
        rig.write(1, 0, DATA, 0, 16);
        rig.write(1, 1, WriteRequest.OP_TRIM, 0, 1024);
        assertThat(rig.checkpoint()).isTrue();
        SpaceCheck.check(rig);
        assertThat(rig.disk().usedBytes()).isEqualTo(16 * 4096L);
        rig.check();
    }

    @Test
    void on_a_disk_that_fills_up_it_goes_the_other_way() {
        StoreRig rig = rig(CONFIG.withSpace(256 << 10, 256 << 10, 0), 4);
        for (int i = 0; i < 4; i++) {
            rig.awaitRoom(64 << 10);
            rig.write(1, i, DATA, 0, 16);
        }
        rig.awaitRoom(64 << 10);
        rig.write(1, 0, DATA, 0, 16);
        assertThat(rig.disk().counters().largeWrites).isEqualTo(3);
        rig.check();
        // The journalled one goes over the old place.
        assertThat(rig.sync()).isTrue();
        rig.crash(MemMedia.Crash.LOSE);
        rig.open();
        rig.check();
        assertThat(rig.checkpoint()).isTrue();
        rig.check();
        SpaceCheck.check(rig);
    }

    /// Without a moment of rest, in which a checkpoint would come by itself.
    @Test
    void overwriting_again_and_again_does_not_fill_the_disk() {
        StoreRig rig = rig(CONFIG.withSpace(256 << 10, 1 << 20, 64 << 10), 9);
        for (int i = 0; i < 100; i++) {
            long endNs = rig.loop.nowNs() + 500_000_000;
            assertThat(
                            rig.loop.runUntil(
                                    () -> rig.disk().grant(64 << 10) || rig.loop.nowNs() > endNs))
                    .isTrue();
            assertThat(rig.loop.nowNs()).as("granted in time").isLessThanOrEqualTo(endNs);
            rig.awaitRoom(64 << 10);
            rig.write(1, 0, DATA, 0, 16);
        }
        assertThat(rig.disk().counters().largeWrites).isGreaterThan(10);
        rig.check();
        SpaceCheck.check(rig);
    }

    @Test
    void too_much_on_its_way_holds_writers_back() {
        StoreConfig config = StoreConfig.defaults().withJournal(64 << 20, 4 << 20);
        StoreRig rig = rig(config, 5);
        int n = 0;
        while (rig.disk().hasRoom(4 << 20) && n < 20) {
            rig.write(1, n++, DATA, 0, 1024);
        }
        assertThat(n).isEqualTo(4);
        rig.awaitRoom(4 << 20);
        rig.write(1, n, DATA, 0, 1024);
        assertThat(rig.sync()).isTrue();
        rig.check();
    }

    @Test
    void a_failed_write_or_sync_of_its_data_fails_the_disk_and_hides_the_record() {
        for (int variant = 0; variant < 2; variant++) {
            StoreRig rig = rig(CONFIG, 6);
            rig.write(1, 0, DATA, 0, 4);
            rig.write(1, 1, DATA, 0, 1);
            assertThat(rig.sync()).isTrue();
            if (variant == 0) {
                rig.media.failWrites = "segments/";
            } else {
                rig.media.failSyncs = "segments/";
            }
            var before = rig.history;
            rig.write(1, 0, DATA, 2, 8);
            assertThat(rig.sync()).isFalse();
            assertThat(rig.disk().failed()).isTrue();
            if (variant == 0) {
                // What was answered is still read, from memory.
                assertThat(rig.state(1, 0, 5)).isEqualTo(BlockState.DATA);
            }
            rig.restart();
            rig.open();
            assertThat(rig.adoptSurvivors(before, rig.syncedChanges)).isPositive();
            assertThat(rig.checkpoint() || rig.disk().journalUsedBytes() == 0).isTrue();
            rig.check();
            SpaceCheck.check(rig);
        }
    }

    @Test
    void what_is_not_durable_is_bounded() {
        StoreConfig config = StoreConfig.defaults().withJournal(64 << 20, 4 << 20);
        StoreRig rig = rig(config.withSpace(64 << 20, 0, 0), 10);
        rig.media.syncNsMin = 1_000_000_000;
        int n = 0;
        long endNs = rig.loop.nowNs() + 900_000_000;
        while (n < 40) {
            if (rig.disk().hasRoom(4 << 20)) {
                rig.write(1, n++, DATA, 0, 1024);
            } else if (rig.loop.runUntil(
                            () -> rig.disk().hasRoom(4 << 20) || rig.loop.nowNs() > endNs)
                    && rig.loop.nowNs() > endNs) {
                break;
            }
        }
        assertThat(n).isEqualTo(16);
        assertThat(rig.disk().counters().largeWrites).isEqualTo(16);
        // It goes on by itself, without anybody asking for a sync.
        rig.awaitRoom(4 << 20);
        rig.write(1, n, DATA, 0, 1024);
        rig.check();
    }

    @Test
    void behind_the_end_of_a_segment_that_was_cut_it_is_lost() {
        StoreRig rig = rig(CONFIG, 11);
        for (int i = 0; i < 12; i++) {
            rig.write(1, i, DATA, 0, 16);
        }
        assertThat(rig.sync()).isTrue();
        rig.crash(MemMedia.Crash.LOSE);
        rig.media.cut("segments/000001", 64 << 10);
        rig.open();
        assertThat(rig.disk().missingSegments()).isEqualTo(1);
        assertThat(rig.state(1, 0, 0)).isEqualTo(BlockState.DATA);
        assertThat(rig.state(1, 9, 7)).isEqualTo(BlockState.LOST);
        assertThat(rig.checkpoint()).isTrue();
        assertThat(rig.state(1, 9, 7)).isEqualTo(BlockState.LOST);
    }

    @Test
    void the_number_of_a_segment_that_is_missing_is_not_used_again() {
        StoreRig rig = rig(CONFIG, 12);
        rig.write(1, 0, DATA, 0, 16);
        assertThat(rig.sync()).isTrue();
        rig.crash(MemMedia.Crash.LOSE);
        for (String name : rig.media.list("segments")) {
            rig.media.remove("segments/" + name);
        }
        rig.open();
        assertThat(rig.checkpoint()).isTrue();
        for (String name : rig.media.list("segments")) {
            rig.media.remove("segments/" + name); // made since, and nothing lies in them
        }
        rig.crash(MemMedia.Crash.LOSE);
        rig.open();
        assertThat(rig.media.list("segments")).doesNotContain("000001");
        assertThat(rig.state(1, 0, 3)).isEqualTo(BlockState.LOST);
        rig.write(1, 0, DATA, 0, 16);
        rig.write(1, 1, DATA, 0, 16);
        assertThat(rig.checkpoint()).isTrue();
        rig.check();
        SpaceCheck.check(rig);
    }

    @Test
    void all_segments_that_hold_its_data_are_synced() {
        for (int seed = 0; seed < 8; seed++) {
            StoreRig rig = rig(CONFIG.withSpace(64 << 10, 0, 64 << 10), seed);
            rig.loop.runFor(1_000_000_000);
            rig.write(1, 0, DATA, 0, 10);
            rig.write(1, 1, DATA, 0, 14);
            assertThat(rig.sync()).isTrue();
            assertThat(rig.disk().counters().largeWrites).isEqualTo(2);
            assertThat(rig.disk().counters().segmentSyncs).isGreaterThan(1);
            List<Model> before = rig.history;
            rig.crash(MemMedia.Crash.LOSE);
            rig.open();
            rig.adoptSurvivors(before, rig.syncedChanges);
        }
    }

    /// Left out: data, then record. The check of a crash has to notice.
    @Test
    void a_record_before_its_data_is_caught() {
        StoreRig rig = rig(CONFIG, 8);
        rig.media.lieAboutSyncs = "segments/";
        rig.write(1, 0, DATA, 0, 16);
        assertThat(rig.sync()).isTrue();
        var before = rig.history;
        rig.crash(MemMedia.Crash.LOSE);
        rig.open();
        assertThatThrownBy(() -> rig.adoptSurvivors(before, 1)).isInstanceOf(AssertionError.class);
    }

    @Test
    void in_a_segment_that_is_missing_it_is_lost_and_not_something_else() {
        StoreRig rig = rig(CONFIG, 7);
        rig.write(1, 0, DATA, 0, 16);
        rig.write(1, 1, DATA, 0, 1);
        assertThat(rig.sync()).isTrue();
        rig.crash(MemMedia.Crash.LOSE);
        rig.media.delete("segments/000001", (token, result) -> {}, 0);
        rig.loop.runFor(1_000_000_000);
        rig.open();
        assertThat(rig.state(1, 0, 3)).isEqualTo(BlockState.LOST);
        assertThat(rig.state(1, 1, 0)).isEqualTo(BlockState.DATA);
        rig.write(1, 0, DATA, 0, 16);
        assertThat(rig.sync()).isTrue();
        assertThat(rig.state(1, 0, 3)).isEqualTo(BlockState.DATA);
        assertThat(rig.checkpoint()).isTrue();
        assertThat(rig.media.list("segments")).doesNotContain("000001");
    }
}
