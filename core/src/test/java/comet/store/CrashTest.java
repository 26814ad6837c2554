package comet.store;

import static org.assertj.core.api.Assertions.assertThat;

import comet.base.Prng;
import comet.store.fake.MemMedia;
import comet.wire.BlockState;
import comet.wire.WriteRequest;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// Short programs, stopped at each of their I/O steps, with each kind of loss of what was not
/// synced. After the restart the disk must be in a state after some prefix of the changes that
/// contains all synced ones; it then lives on, and stops once more.
class CrashTest {
    private static final int DATA = WriteRequest.OP_DATA;

    /// Every write through the journal, and those of at least two blocks past it.
    private static final List<StoreConfig> CONFIGS =
            List.of(StoreConfig.small(), StoreConfig.small().withLarge(8 << 10));

    /// Runs a program up to each of its steps; returns how many there are.
    private static long enumerate(
            StoreConfig config, Consumer<StoreRig> setUp, Consumer<StoreRig> program) {
        StoreRig whole = rig(config, 1, setUp);
        long first = whole.media.steps();
        program.accept(whole);
        long last = whole.media.steps();
        for (long step = first + 1; step <= last + 1; step++) {
            for (MemMedia.Crash kind : MemMedia.Crash.values()) {
                for (int variant = 0; variant < variants(kind); variant++) {
                    StoreRig rig = rig(config, 1, setUp);
                    rig.media.crashAfter(step);
                    program.accept(rig);
                    rig.prng.nextLong(variant + 1);
                    crashAndGoOn(rig, kind, "step " + step + " " + kind + " " + variant);
                }
            }
        }
        return last - first;
    }

    private static int variants(MemMedia.Crash kind) {
        return switch (kind) {
            case LOSE, KEEP -> 1;
            case TEAR, TEAR_PAGES -> 3;
        };
    }

    private static StoreRig rig(StoreConfig config, int seed, Consumer<StoreRig> setUp) {
        StoreRig rig = new StoreRig(config, seed).formatted().open();
        setUp.accept(rig);
        return rig;
    }

    private static void crashAndGoOn(StoreRig rig, MemMedia.Crash kind, String where) {
        try {
            List<Model> before = rig.history;
            int synced = rig.syncedChanges;
            rig.crash(kind);
            rig.open();
            assertThat(rig.disk().damaged()).as("damaged").isFalse();
            rig.adoptSurvivors(before, synced);
            SpaceCheck.check(rig);
            // A second, shorter life over what the first one left in the ring.
            rig.write(1, 0, DATA, 3, 2);
            rig.sync();
            rig.write(1, 1, DATA, 1, 1);
            before = rig.history;
            synced = rig.syncedChanges;
            rig.crash(kind);
            rig.open();
            assertThat(rig.disk().damaged()).as("damaged in the second life").isFalse();
            rig.adoptSurvivors(before, synced);
            assertThat(rig.checkpoint() || !rig.loop.isDead()).isTrue();
            rig.check();
            SpaceCheck.check(rig);
        } catch (AssertionError | RuntimeException e) {
            throw new AssertionError(where + ": " + e.getMessage(), e);
        }
    }

    /// What the program does after the machine has stopped is not done.
    private static void unlessDead(StoreRig rig, Runnable work) {
        if (!rig.loop.isDead()) {
            work.run();
        }
    }

    private static void syncedWrites(StoreRig rig) {
        rig.write(1, 0, DATA, 0, 2);
        rig.loop.runFor(300_000);
        unlessDead(rig, () -> rig.write(1, 1, DATA, 5, 1));
        unlessDead(rig, rig::sync);
        unlessDead(rig, () -> rig.write(1, 0, DATA, 1, 3));
        unlessDead(rig, () -> rig.fence(1, 4));
        unlessDead(rig, rig::sync);
        unlessDead(rig, () -> rig.write(2, 0, WriteRequest.OP_ZERO, 0, 4));
        unlessDead(rig, () -> rig.write(1, 0, DATA, 0, 16));
        unlessDead(rig, () -> rig.loop.runFor(60_000_000));
        unlessDead(rig, () -> rig.write(1, 0, DATA, 0, 1));
    }

    @Test
    void each_step_of_writes_and_syncs() {
        for (StoreConfig config : CONFIGS) {
            long steps = enumerate(config, _ -> {}, CrashTest::syncedWrites);
            assertThat(steps).isGreaterThan(5);
        }
    }

    private static void filled(StoreRig rig) {
        rig.write(1, 0, DATA, 0, 8);
        rig.write(1, 1, DATA, 100, 8);
        rig.write(2, 0, DATA, 0, 4);
        rig.checkpoint();
    }

    /// Overwrites in place, new places, freed ones, a dropped chunk, one dropped and made again.
    private static void checkpoints(StoreRig rig) {
        rig.write(1, 0, DATA, 2, 4);
        rig.write(1, 1, WriteRequest.OP_TRIM, 100, 3);
        rig.write(1, 2, DATA, 0, 5);
        rig.drop(2, 0);
        rig.note("map", new byte[40_000]);
        rig.disk().startCheckpoint();
        rig.write(1, 0, DATA, 3, 1);
        unlessDead(rig, () -> rig.loop.runFor(150_000));
        unlessDead(rig, () -> rig.write(2, 0, DATA, 2, 1));
        unlessDead(rig, () -> rig.drop(1, 1));
        unlessDead(rig, () -> rig.loop.runFor(2_000_000));
        unlessDead(rig, () -> rig.write(1, 1, DATA, 100, 1));
        unlessDead(rig, rig::checkpoint);
        unlessDead(rig, () -> rig.copy(1, 1, 1, 101, BlockState.LOST, 7));
        unlessDead(rig, () -> rig.fence(7, 7));
        unlessDead(rig, rig::close);
    }

    @Test
    void each_step_of_checkpoints() {
        for (StoreConfig config : CONFIGS) {
            long steps = enumerate(config, CrashTest::filled, CrashTest::checkpoints);
            assertThat(steps).isGreaterThan(15);
        }
    }

    @Test
    void each_step_of_an_open() {
        for (StoreConfig config : CONFIGS) {
            eachStepOfAnOpen(config);
        }
    }

    private static void eachStepOfAnOpen(StoreConfig config) {
        long steps =
                enumerate(
                        config,
                        rig -> {
                            filled(rig);
                            checkpoints(rig);
                        },
                        rig -> {
                            assertThat(rig.isOpen()).isFalse();
                            rig.tryOpen();
                            if (rig.isOpen()) {
                                rig.write(1, 0, DATA, 0, 1);
                                rig.sync();
                            }
                        });
        assertThat(steps).isGreaterThan(1);
    }

    @Test
    void random_programs_stopped_anywhere() {
        stopRandomPrograms(0, 80);
    }

    @Test
    @Tag("long")
    void many_random_programs_stopped_anywhere() {
        stopRandomPrograms(1000, 3000);
    }

    @Test
    void random_lives_with_failing_devices() {
        randomLives(0, 60);
    }

    @Test
    @Tag("long")
    void many_random_lives_with_failing_devices() {
        randomLives(1000, 4000);
    }

    /// Life after life over one folder: killed, without power, or after an error of the device, at
    /// any moment, also while it opens. Each finds what the one before had synced or opened with.
    private static void randomLives(int from, int to) {
        for (int seed = from; seed < to; seed++) {
            Prng prng = new Prng(seed);
            StoreConfig config =
                    prng.chance(1, 2)
                            ? StoreConfig.small()
                            : StoreConfig.small()
                                    .withJournal(StoreConfig.journalBytesMin(64 << 10), 64 << 10)
                                    .withMemory(prng.chance(1, 2) ? 0 : 64 << 10, 32 << 10);
            if (prng.chance(1, 2)) {
                config = config.withLarge(8 << 10);
            }
            StoreRig rig = new StoreRig(config, seed).formatted().open();
            try {
                for (int life = 0; life < 8; life++) {
                    live(rig, prng);
                    List<Model> before = rig.history;
                    int synced = rig.syncedChanges;
                    end(rig, prng);
                    while (!opens(rig, prng)) {
                        end(rig, prng);
                    }
                    assertThat(rig.disk().damaged()).as("damaged").isFalse();
                    rig.adoptSurvivors(before, synced);
                    SpaceCheck.check(rig);
                }
            } catch (AssertionError | RuntimeException e) {
                throw new AssertionError("seed " + seed + ": " + e.getMessage(), e);
            }
        }
    }

    private static void live(StoreRig rig, Prng prng) {
        if (prng.chance(1, 3)) {
            rig.media.crashAfter(rig.media.steps() + 1 + prng.nextInt(60));
        }
        int failsAt = prng.chance(1, 2) ? prng.nextInt(40) : -1;
        for (int n = 0; n < 60 && !rig.loop.isDead() && !rig.disk().failed(); n++) {
            if (n == failsAt) {
                fail(rig, prng);
            }
            RandomChanges.one(rig, prng);
        }
    }

    private static void fail(StoreRig rig, Prng prng) {
        String prefix = prng.chance(1, 2) ? "journal" : "segments/";
        switch (prng.nextInt(4)) {
            case 0 -> rig.media.failWrites = prefix;
            case 1, 2 -> rig.media.failSyncs = prefix;
            default -> rig.index.failCommits = true;
        }
    }

    private static void end(StoreRig rig, Prng prng) {
        if (prng.chance(1, 2)) {
            rig.restart();
        } else {
            rig.crash(MemMedia.Crash.values()[prng.nextInt(4)]);
        }
    }

    /// Opens it; false where this, too, is cut short.
    private static boolean opens(StoreRig rig, Prng prng) {
        if (prng.chance(1, 3)) {
            rig.media.crashAfter(rig.media.steps() + 1 + prng.nextInt(6));
        } else if (prng.chance(1, 4)) {
            fail(rig, prng);
        }
        List<Model> before = rig.history;
        int synced = rig.syncedChanges;
        String error = rig.tryOpen();
        boolean failing = rig.media.failWrites != null || rig.media.failSyncs != null;
        assertThat(error == null || failing).as("%s", error).isTrue();
        if (rig.isOpen() && !rig.loop.isDead() && !failing && !rig.index.failCommits) {
            rig.media.crashAfter(Long.MAX_VALUE);
            return true;
        }
        rig.history = before;
        rig.syncedChanges = synced;
        return false;
    }

    private static void stopRandomPrograms(int from, int to) {
        for (int seed = from; seed < to; seed++) {
            Prng prng = new Prng(seed);
            StoreRig rig = new StoreRig(CONFIGS.get(seed % 2), seed).formatted().open();
            rig.media.crashAfter(rig.media.steps() + 1 + prng.nextInt(60));
            while (!rig.loop.isDead()) {
                RandomChanges.one(rig, prng);
            }
            MemMedia.Crash kind = MemMedia.Crash.values()[prng.nextInt(4)];
            crashAndGoOn(rig, kind, "seed " + seed);
        }
    }
}
