package comet.store;

import static org.assertj.core.api.Assertions.assertThat;

import comet.base.Prng;
import comet.store.fake.MemMedia;
import comet.wire.WriteRequest;
import org.junit.jupiter.api.Test;

/// Promises of space: what was promised finds room, whatever else fills the file system.
class SpaceTest {
    private static final int DATA = WriteRequest.OP_DATA;
    private static final StoreConfig CONFIG =
            StoreConfig.small().withSpace(256 << 10, 1 << 20, 64 << 10);

    /// Writes as much as is granted, in writes of four blocks to ever new places.
    private static int fill(StoreRig rig) {
        int writes = 0;
        while (writes < 10_000) {
            if (!rig.disk().grant(16 << 10)) {
                if (!rig.disk().spaceIsComing()) {
                    return writes;
                }
                rig.loop.runFor(1_000_000);
                continue;
            }
            rig.awaitRoom(16 << 10);
            rig.write(1, writes / 256, DATA, writes % 256 * 4, 4);
            writes++;
        }
        return writes;
    }

    @Test
    void a_full_disk_refuses_early_and_loses_nothing() {
        StoreRig rig = new StoreRig(CONFIG, 1).formatted().open();
        int writes = fill(rig);
        // 1 MiB less 64 KiB kept back, in writes of 16 KiB.
        assertThat(writes).isEqualTo(60);
        rig.checkpoint();
        rig.check();
        SpaceCheck.check(rig);
        assertThat(rig.disk().usedBytes()).isEqualTo(60 * 16384);
        assertThat(rig.disk().fullPercent()).isEqualTo(100);
        assertThat(rig.events).anyMatch(e -> e.startsWith("WARN disk-near-full"));
        assertThat(rig.events).noneMatch(e -> e.contains("disk-full"));
        rig.close();
        rig.open();
        assertThat(rig.disk().grant(16 << 10)).isFalse();
        rig.check();
        // Deleting makes room, after the checkpoint that frees, which comes when somebody asks.
        rig.drop(1, 0);
        assertThat(rig.disk().grant(16 << 10)).isFalse();
        assertThat(rig.disk().spaceIsComing()).isTrue();
        assertThat(fill(rig)).isEqualTo(60);
        rig.write(1, 0, WriteRequest.OP_TRIM, 0, 8);
        assertThat(fill(rig)).isEqualTo(2);
        rig.checkpoint();
        rig.check();
        SpaceCheck.check(rig);
    }

    /// The index may find no room there: then the ring would fill, and guests would wait.
    @Test
    void copies_find_no_room_where_somebody_else_has_filled_the_file_system() {
        StoreRig rig =
                new StoreRig(StoreConfig.small().withSpace(1 << 20, 0, 64 << 10), 3)
                        .formatted()
                        .open();
        rig.loop.runFor(2_000_000_000L);
        assertThat(rig.disk().fits(16 << 10, 0)).isTrue();
        rig.media.setFreeBytes(16 << 10);
        rig.loop.runFor(2_000_000_000L);
        assertThat(rig.disk().fits(16 << 10, 0)).isFalse();
        rig.media.setFreeBytes(8 << 20);
        rig.loop.runFor(2_000_000_000L);
        assertThat(rig.disk().fits(16 << 10, 0)).isTrue();
    }

    /// Half of what is left makes the next segment, down to 128 KiB: what is less makes none, and
    /// must not be taken for space.
    @Test
    void all_that_is_counted_as_capacity_can_be_used() {
        StoreRig rig =
                new StoreRig(StoreConfig.small().withSpace(1 << 20, 0, 64 << 10), 9)
                        .formatted()
                        .open();
        rig.media.setFreeBytes(6 << 20);
        rig.loop.runFor(2_000_000_000L);
        assertThat(rig.disk().capacityBytes()).isGreaterThan(5 << 20);
        fill(rig);
        rig.checkpoint();
        assertThat(rig.disk().capacityBytes() - rig.disk().usedBytes()).isLessThan(16 << 10);
        assertThat(rig.disk().usedBytes()).isGreaterThan(5 << 20);
        assertThat(rig.disk().fits(16 << 10, 0)).as("what is kept back").isTrue();
        assertThat(rig.disk().fits(16 << 10, 64 << 10)).isFalse();
        rig.check();
        SpaceCheck.check(rig);
    }

    @Test
    void somebody_elses_files_hurt_nothing_that_was_promised() {
        StoreRig rig =
                new StoreRig(StoreConfig.small().withSpace(512 << 10, 0, 64 << 10), 2)
                        .formatted()
                        .open();
        int granted = 0;
        while (rig.disk().grant(16 << 10) && granted < 20) {
            granted++;
            rig.loop.runFor(500_000);
        }
        rig.media.setFreeBytes(0);
        for (int i = 0; i < granted; i++) {
            rig.awaitRoom(16 << 10);
            rig.write(1, i, DATA, 0, 4);
        }
        assertThat(rig.sync()).isTrue();
        assertThat(rig.checkpoint()).isTrue();
        rig.check();
        int more = fill(rig);
        assertThat(more).isLessThan(200);
        rig.checkpoint();
        rig.check();
        assertThat(rig.events).noneMatch(e -> e.startsWith("ERROR"));
        // Room again: it grows again.
        rig.media.setFreeBytes(8 << 20);
        rig.loop.runFor(2_000_000_000L);
        fill(rig);
        rig.check();
    }

    @Test
    void without_promises_a_full_disk_stalls_and_goes_on_when_there_is_space() {
        StoreRig rig = new StoreRig(CONFIG, 3).formatted().open();
        for (int i = 0; i < 64 + 8; i++) {
            rig.awaitRoom(16 << 10);
            rig.write(1, i, DATA, 0, 4);
            if (i % 16 == 0) {
                rig.sync();
            }
            if (i == 60) {
                rig.checkpoint();
            }
        }
        assertThat(rig.sync()).isTrue();
        rig.disk().startCheckpoint();
        rig.loop.runFor(3_000_000_000L);
        assertThat(rig.events.stream().filter(e -> e.startsWith("ERROR disk-full"))).hasSize(1);
        rig.check();
        // A crash in that state loses nothing either; the next start has more space.
        rig.crash(MemMedia.Crash.LOSE);
        StoreRig bigger = rig.with(StoreConfig.small().withSpace(256 << 10, 2 << 20, 64 << 10));
        bigger.open();
        bigger.check();
        assertThat(bigger.checkpoint()).isTrue();
        bigger.check();
        SpaceCheck.check(bigger);
    }

    /// What is pending counts as if all of it needed new space. Where that is what is missing, it
    /// is put to its place first.
    @Test
    void what_goes_over_its_old_place_is_no_reason_to_refuse() {
        StoreRig rig = new StoreRig(CONFIG, 7).formatted().open();
        for (int round = 0; round < 4; round++) {
            for (int i = 0; i < 40; i++) {
                for (int tries = 0; !rig.disk().grant(16 << 10); tries++) {
                    assertThat(rig.disk().spaceIsComing()).isTrue();
                    assertThat(tries).isLessThan(100);
                    rig.loop.runFor(1_000_000);
                }
                rig.awaitRoom(16 << 10);
                rig.write(1, 0, DATA, i * 4, 4);
            }
        }
        rig.checkpoint();
        rig.check();
        // Truly full: no checkpoint helps, and none is tried.
        fill(rig);
        rig.checkpoint();
        long checkpoints = rig.disk().counters().checkpoints;
        assertThat(rig.disk().grant(16 << 10)).isFalse();
        assertThat(rig.disk().spaceIsComing()).isFalse();
        rig.loop.runFor(10_000_000);
        assertThat(rig.disk().counters().checkpoints).isEqualTo(checkpoints);
    }

    @Test
    void levels_are_told_without_a_checkpoint_and_again_after_a_start() {
        StoreRig rig =
                new StoreRig(StoreConfig.small().withSpace(256 << 10, 0, 64 << 10), 8)
                        .formatted()
                        .open();
        for (int i = 0; i < 12; i++) {
            assertThat(rig.disk().grant(4096)).isTrue();
            rig.write(1, 0, DATA, i, 1);
        }
        rig.checkpoint();
        rig.loop.runFor(2_000_000_000L);
        assertThat(rig.events).noneMatch(e -> e.contains("disk-near-full"));
        // Somebody else fills the file system.
        rig.media.setFreeBytes(0);
        rig.loop.runFor(2_000_000_000L);
        assertThat(rig.disk().grant(16 << 20)).isFalse();
        assertThat(rig.events.stream().filter(e -> e.startsWith("WARN disk-near-full"))).hasSize(1);
        rig.close();
        rig.open();
        assertThat(rig.events.stream().filter(e -> e.startsWith("WARN disk-near-full"))).hasSize(2);
    }

    @Test
    void a_full_disk_can_be_stopped() {
        StoreRig rig = new StoreRig(CONFIG, 5).formatted().open().registered(7);
        for (int i = 0; i < 64 + 8; i++) {
            rig.awaitRoom(16 << 10);
            rig.write(1, i, DATA, 0, 4);
            if (i == 60) {
                rig.checkpoint();
            }
        }
        rig.sync();
        assertThat(rig.close()).as("a clean stop").isFalse();
        rig.crash(MemMedia.Crash.LOSE);
        StoreRig bigger = rig.with(StoreConfig.small().withSpace(256 << 10, 2 << 20, 64 << 10));
        bigger.open();
        assertThat(bigger.disk().clean()).isFalse();
        bigger.check();
        assertThat(bigger.checkpoint()).isTrue();
        bigger.check();
    }

    /// Each second a try, for weeks: numbers of segments must not run out.
    @Test
    void a_segment_that_could_not_be_made_keeps_its_number() {
        StoreRig rig =
                new StoreRig(StoreConfig.small().withSpace(256 << 10, 0, 0), 6).formatted().open();
        rig.loop.runFor(10_000_000);
        int before = rig.media.list("segments").size();
        // The size that is known is not true any more when the file is made.
        rig.media.lieAboutFreeBytes = 64 << 20;
        rig.media.setFreeBytes(0);
        rig.write(1, 0, DATA, 0, 16);
        rig.write(1, 1, DATA, 0, 16);
        rig.checkpoint();
        for (int i = 0; i < 5; i++) {
            rig.disk().grant(200 << 10);
            rig.loop.runFor(1_500_000_000L);
        }
        assertThat(rig.events.stream().filter(e -> e.contains("segment-not-made")).count())
                .isGreaterThan(3);
        rig.media.setFreeBytes(64 << 20);
        rig.disk().grant(200 << 10);
        rig.loop.runFor(1_500_000_000L);
        assertThat(rig.media.list("segments"))
                .hasSizeGreaterThan(before)
                .contains("00000" + (before + 1));
    }

    @Test
    void promises_are_given_back_or_used_up() {
        StoreRig rig = new StoreRig(CONFIG, 4).formatted().open();
        rig.loop.runFor(10_000_000);
        long free = grantable(rig);
        assertThat(rig.disk().grant(5 * 4096)).isTrue();
        assertThat(grantable(rig)).isEqualTo(free - 5);
        rig.write(1, 0, DATA, 0, 3);
        assertThat(grantable(rig)).isEqualTo(free - 5);
        rig.write(1, 0, WriteRequest.OP_TRIM, 900, 100);
        assertThat(grantable(rig)).isEqualTo(free - 4);
        rig.disk().giveBack(4096);
        assertThat(grantable(rig)).isEqualTo(free - 3);
        rig.checkpoint();
        assertThat(grantable(rig)).isEqualTo(free - 3);
        Prng prng = new Prng(4);
        rig.write(1, 0, DATA, prng.nextInt(3), 1);
        rig.checkpoint();
        assertThat(grantable(rig)).isEqualTo(free - 3);
    }

    /// Blocks that could be promised now.
    private static long grantable(StoreRig rig) {
        long blocks = 0;
        while (true) {
            if (rig.disk().grant(4096)) {
                blocks++;
            } else if (rig.disk().spaceIsComing()) {
                rig.loop.runFor(1_000_000);
            } else {
                break;
            }
        }
        rig.disk().giveBack(blocks * 4096);
        return blocks;
    }
}
