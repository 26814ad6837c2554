package comet.sim;

import static org.assertj.core.api.Assertions.assertThat;

import comet.base.Buf;
import comet.base.BufPool;
import comet.port.Media;
import comet.port.MediaFile;
import java.util.SortedSet;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/// The simulated disk loses what it may lose, and nothing else.
class SimMediaTest {
    private final BufPool bufs = new BufPool(1 << 20);
    private Simulation simulation = new Simulation(1, Trace.off());
    private SimProcess process = new SimProcess(simulation, "p", bufs);
    private SimMedia media = new SimMedia(simulation, "d");

    private void world(long seed) {
        simulation = new Simulation(seed, Trace.off());
        process = new SimProcess(simulation, "p", bufs);
        media = new SimMedia(simulation, "d");
    }

    private void settle() {
        boolean more = true;
        while (more) {
            more = simulation.step();
        }
    }

    private MediaFile file(boolean create) {
        @Nullable MediaFile[] opened = new MediaFile[1];
        Media.Opened done = (file, errno) -> opened[0] = file;
        if (create) {
            media.mount(process).create("f", 1 << 20, Media.Access.DIRECT, done);
        } else {
            media.mount(process).open("f", Media.Access.DIRECT, done);
        }
        settle();
        MediaFile file = opened[0];
        assertThat(file).isNotNull();
        return java.util.Objects.requireNonNull(file);
    }

    private Buf filled(int value, int length) {
        Buf buf = bufs.take(length);
        for (int i = 0; i < length; i++) {
            buf.bytes().put(i, (byte) value);
        }
        return buf;
    }

    private void restart() {
        process = new SimProcess(simulation, "p", bufs);
    }

    private SortedSet<Integer> sectorsAt(long position, int length) {
        Buf buf = bufs.take(length);
        file(false).read(position, buf, 0, length, (token, result) -> {}, 0);
        settle();
        TreeSet<Integer> values = new TreeSet<>();
        for (int i = 0; i < length; i += 512) {
            values.add((int) buf.bytes().get(i));
        }
        return values;
    }

    @Test
    void a_synced_write_survives_the_loss_of_power() {
        for (int seed = 0; seed < 50; seed++) {
            world(seed);
            MediaFile file = file(true);
            file.write(4096, filled(7, 8192), 0, 8192, (token, result) -> {}, 0);
            settle();
            file.sync((token, result) -> {}, 0);
            settle();
            media.powerLost();
            restart();
            assertThat(sectorsAt(4096, 8192)).containsExactly(7);
        }
    }

    @Test
    void an_unsynced_write_is_lost_kept_or_torn() {
        TreeSet<SortedSet<Integer>> seen =
                new TreeSet<>((a, b) -> a.toString().compareTo(b.toString()));
        for (int seed = 0; seed < 200; seed++) {
            world(seed);
            MediaFile file = file(true);
            file.write(0, filled(7, 8192), 0, 8192, (token, result) -> {}, 0);
            settle();
            media.powerLost();
            restart();
            seen.add(sectorsAt(0, 8192));
        }
        assertThat(seen.toString()).isEqualTo("[[0, 7], [0], [7]]");
    }

    @Test
    void a_write_that_had_ended_survives_a_kill() {
        for (int seed = 0; seed < 50; seed++) {
            world(seed);
            MediaFile file = file(true);
            file.write(0, filled(7, 4096), 0, 4096, (token, result) -> {}, 0);
            settle();
            process.life().end();
            media.killed();
            restart();
            assertThat(sectorsAt(0, 4096)).containsExactly(7);
        }
    }

    @Test
    void a_sync_covers_only_what_had_ended_when_it_began() {
        boolean lost = false;
        for (int seed = 0; seed < 100; seed++) {
            world(seed);
            MediaFile file = file(true);
            file.write(0, filled(7, 4096), 0, 4096, (token, result) -> {}, 0);
            file.sync((token, result) -> {}, 0);
            settle();
            media.powerLost();
            restart();
            lost |= !sectorsAt(0, 4096).equals(new TreeSet<>(java.util.List.of(7)));
        }
        assertThat(lost).isTrue();
    }

    @Test
    void after_a_failed_sync_a_good_one_proves_nothing() {
        boolean lost = false;
        for (int seed = 0; seed < 100; seed++) {
            world(seed);
            MediaFile file = file(true);
            file.write(0, filled(7, 4096), 0, 4096, (token, result) -> {}, 0);
            settle();
            media.behaviour.failSyncs = true;
            file.sync((token, result) -> assertThat(result).isNegative(), 0);
            settle();
            media.behaviour.failSyncs = false;
            file.sync((token, result) -> assertThat(result).isZero(), 0);
            settle();
            media.powerLost();
            restart();
            lost |= !sectorsAt(0, 4096).equals(new TreeSet<>(java.util.List.of(7)));
        }
        assertThat(lost).isTrue();
    }
}
