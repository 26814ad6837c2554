package comet.store;

import static org.assertj.core.api.Assertions.assertThat;

import comet.base.Prng;
import comet.store.fake.MemMedia;
import comet.wire.WriteRequest;
import org.junit.jupiter.api.Test;

/// Chunks with several generations: what an older one shows never changes, and a newer one shows
/// through where nothing was written since.
class GenerationTest {
    @Test
    void random_writes_over_generations_fit_the_model() {
        for (int seed = 0; seed < 6; seed++) {
            StoreConfig config =
                    StoreConfig.small().withLarge(seed % 2 == 0 ? 8 << 10 : Integer.MAX_VALUE);
            StoreRig rig = new StoreRig(config, seed).formatted().open();
            Prng prng = new Prng(seed);
            int generation = 1;
            for (int i = 0; i < 200; i++) {
                generation += prng.chance(1, 15) ? 1 : 0;
                one(rig, prng, generation);
                if (prng.chance(1, 25)) {
                    rig.check();
                    if (prng.chance(1, 2)) {
                        rig.close();
                    } else {
                        rig.sync();
                        rig.crash(MemMedia.Crash.LOSE);
                    }
                    rig.open();
                    rig.check();
                    SpaceCheck.check(rig);
                }
            }
            assertThat(generation).isGreaterThan(5);
        }
    }

    private static void one(StoreRig rig, Prng prng, int generation) {
        int chunk = prng.nextInt(2);
        int first = prng.nextInt(2) * 128 + prng.nextInt(6);
        int count = 1 + prng.nextInt(4);
        rig.awaitRoom(count * 4096L);
        Model.Chunk known = rig.model.chunk(1, chunk);
        int newest = known == null ? 0 : known.newest();
        int base = newest == generation ? 0 : newest;
        switch (prng.nextInt(10)) {
            case 0 -> rig.checkpoint();
            case 1 -> rig.write(1, chunk, WriteRequest.OP_TRIM, first, count, generation, base);
            case 2 -> {
                if (prng.chance(1, 4)) {
                    rig.drop(1, chunk);
                }
            }
            default -> rig.write(1, chunk, WriteRequest.OP_DATA, first, count, generation, base);
        }
    }
}
