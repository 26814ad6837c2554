package comet.replica;

import static org.assertj.core.api.Assertions.assertThat;

import comet.cluster.ClusterMap;
import comet.cluster.MapUpdate;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/// The copy of the map on every disk.
class MapNotesTest {
    private final Harness harness = Harness.healthy(2);

    private void volumes(int from, int count) {
        for (int n = from; n < from + count; n++) {
            harness.meta.addVolume(n);
        }
    }

    private static MapUpdate copy(FakeStore store) {
        return Harness.some(MapNotes.read(store));
    }

    private MapUpdate truth() {
        return harness.server(1).map().image();
    }

    @Test
    void each_disk_keeps_the_newest_map() {
        harness.loop.advanceMs(3000);
        assertThat(copy(harness.store(1))).isEqualTo(truth());
        assertThat(copy(harness.store(2))).isEqualTo(truth());
        volumes(2, 3);
        harness.loop.advanceMs(3000);
        assertThat(truth().volumes()).hasSize(4);
        assertThat(copy(harness.store(1))).isEqualTo(truth());
        ClusterMap made = new ClusterMap();
        assertThat(made.apply(copy(harness.store(2)))).isTrue();
        assertThat(made.image()).isEqualTo(truth());
    }

    @Test
    void it_is_written_when_it_changed_and_not_more_than_once_a_second() {
        harness.loop.advanceMs(3000);
        long before = harness.store(1).appliedSequence();
        harness.loop.advanceMs(10_000);
        assertThat(harness.store(1).appliedSequence()).isEqualTo(before);
        for (int n = 2; n < 52; n++) {
            harness.meta.addVolume(n);
            harness.loop.advanceMs(100);
        }
        harness.loop.advanceMs(2000);
        assertThat(harness.store(1).appliedSequence() - before).isBetween(4L, 8L);
        assertThat(copy(harness.store(1))).isEqualTo(truth());
        // A restart does not write again what is there.
        harness.stopClean(1);
        harness.start(1, true);
        harness.loop.advanceMs(1000);
        before = harness.store(1).appliedSequence();
        harness.loop.advanceMs(5000);
        assertThat(harness.store(1).appliedSequence()).isEqualTo(before);
    }

    @Test
    void a_crash_at_any_point_leaves_a_whole_copy() {
        volumes(2, 2000);
        harness.loop.advanceMs(5000);
        List<MapUpdate> whole = new ArrayList<>();
        whole.add(copy(harness.store(1)));
        long before = harness.store(1).appliedSequence();
        for (int round = 0; round < 3; round++) {
            volumes(5000 + round, 1);
            harness.loop.advanceMs(5000);
            whole.add(copy(harness.store(1)));
        }
        assertThat(whole.getLast()).isEqualTo(truth());
        long after = harness.store(1).appliedSequence();
        assertThat(after - before).as("of several pieces each").isGreaterThanOrEqualTo(6);
        int newest = 0;
        for (long kept = before; kept <= after; kept++) {
            int found = whole.indexOf(copy(harness.store(1).crash(kept)));
            assertThat(found).isGreaterThanOrEqualTo(newest);
            newest = found;
        }
        assertThat(newest).isEqualTo(3);
    }

    @Test
    void it_waits_for_room_in_the_journal() {
        harness.loop.advanceMs(3000);
        harness.store(1).roomBytes = 0;
        volumes(2, 3);
        harness.loop.advanceMs(3000);
        assertThat(copy(harness.store(1)).volumes()).hasSize(1);
        harness.store(1).makeRoom();
        harness.loop.advanceMs(3000);
        assertThat(copy(harness.store(1))).isEqualTo(truth());
    }
}
