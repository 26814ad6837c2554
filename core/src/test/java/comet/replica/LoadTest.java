package comet.replica;

import static org.assertj.core.api.Assertions.assertThat;

import comet.base.Prng;
import comet.cluster.MemberState;
import comet.wire.Lane;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Two disks under a client that writes all the time, while connections break, disks lose what they
/// have not synced, and clients die: nothing completed is ever missing, and when the faults stop
/// both disks are IN_SYNC and identical.
class LoadTest {
    private int notes;
    private int completions;

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20})
    void disks_restart_under_load(int seed) {
        run(seed, false);
        assertThat(completions).isGreaterThan(100);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20})
    void clients_die_as_well(int seed) {
        run(1000 + seed, true);
    }

    @Test
    void the_load_meets_notes() {
        for (int seed = 1; seed < 20 && notes == 0; seed++) {
            run(1000 + seed, true);
        }
        assertThat(notes).isPositive();
    }

    @Test
    @Tag("long")
    void many_seeds() {
        for (int seed = 0; seed < 400; seed++) {
            try {
                run(10_000 + seed, seed % 2 == 1);
            } catch (AssertionError | RuntimeException e) {
                throw new AssertionError("seed " + seed, e);
            }
        }
    }

    private void run(int seed, boolean clientsDie) {
        Prng prng = new Prng(seed);
        Harness harness = Harness.healthy(2);
        harness.net.delayNs = 1L + prng.nextInt(300_000);
        LoadClient.Model model = new LoadClient.Model();
        long term = 1;
        LoadClient client = new LoadClient(harness, prng.fork(), model, term);
        int down = 0;
        int downFor = 0;
        for (int step = 0; step < 2500; step++) {
            client.step(true);
            harness.loop.advance(prng.nextInt(200_000));
            if (prng.chance(1, 300)) {
                client.breakLane(1 + prng.nextInt(2));
            }
            if (down == 0 && prng.chance(1, 200)) {
                // What a dead client had not synced may be lost with both disks: then one only.
                down = clientsDie ? 1 + (seed & 1) : 1 + prng.nextInt(2);
                downFor = prng.nextInt(60);
                crash(harness, prng, down);
                if (!clientsDie && prng.chance(1, 5)) {
                    crash(harness, prng, 3 - down);
                    harness.start(3 - down);
                }
            }
            if (down != 0 && downFor-- <= 0) {
                harness.start(down);
                down = 0;
            }
            if (clientsDie && prng.chance(1, 400)) {
                notes += client.notes;
                client.die();
                client = new LoadClient(harness, prng.fork(), model, ++term);
            }
        }
        if (down != 0) {
            harness.start(down);
        }
        converge(harness, client, model);
        notes += client.notes;
        completions = client.completions;
        client.die();
        harness.loop.advanceMs(500);
        assertThat(harness.frames.out()).isZero();
        assertThat(harness.bufs.bytesOut()).isZero();
        assertThat(harness.store(1).promised() + harness.store(2).promised()).isZero();
    }

    private void crash(Harness harness, Prng prng, int disk) {
        FakeStore store = harness.store(disk);
        long unsynced = store.appliedSequence() - store.durableSequence();
        harness.meta.alive.remove(disk);
        harness.kill(disk, store.durableSequence() + prng.nextLong(unsynced + 1));
    }

    private void converge(Harness harness, LoadClient client, LoadClient.Model model) {
        for (int n = 0; n < 3000 && !done(harness, client); n++) {
            client.step(false);
            harness.loop.advanceMs(5);
        }
        assertThat(done(harness, client)).as("everything in sync and complete").isTrue();
        for (int pg = 0; pg < Harness.PGS; pg++) {
            assertThat(harness.store(2).picture(pg)).isEqualTo(harness.store(1).picture(pg));
        }
        TestClient reader = harness.connect(1, Lane.READ);
        harness.loop.advanceMs(5);
        for (int chunk = 0; chunk < LoadClient.CHUNKS; chunk++) {
            for (int block = 0; block < LoadClient.BLOCKS; block++) {
                reader.sendRead(chunk, block, 1, 0);
                harness.loop.advanceMs(5);
                int fill = model.fill(chunk, block);
                if (fill == 0) {
                    assertThat(reader.blocks().fill()).isEmpty();
                } else {
                    assertThat(reader.blocks().fill()).containsExactly(fill);
                }
            }
        }
        reader.connection.close();
        assertThat(harness.events).noneMatch(event -> event.startsWith("ERROR"));
    }

    private boolean done(Harness harness, LoadClient client) {
        boolean inSync = client.allOpen() && client.incomplete() == 0;
        for (int pg = 0; pg < Harness.PGS; pg++) {
            inSync &= harness.state(pg, 1) == MemberState.IN_SYNC;
            inSync &= harness.state(pg, 2) == MemberState.IN_SYNC;
        }
        return inSync;
    }
}
