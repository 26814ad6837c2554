package comet.store;

import static org.assertj.core.api.Assertions.assertThat;

import comet.base.Prng;
import comet.store.fake.MemMedia;
import comet.wire.BlockState;
import comet.wire.WriteRequest;
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
        rig.crash(MemMedia.Crash.LOSE, false);
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
        rig.crash(MemMedia.Crash.LOSE, false);
        rig.open();
        rig.check();
        assertThat(rig.disk().damaged()).isFalse();
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
                    rig.crash(MemMedia.Crash.values()[prng.nextInt(4)], false);
                    rig.open();
                    rig.adoptSurvivors(before, synced);
                }
            }
        }
    }
}
