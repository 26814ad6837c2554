package comet.replica;

import static org.assertj.core.api.Assertions.assertThat;

import comet.base.Versions;
import comet.cluster.Incarnation;
import comet.cluster.MemberState;
import comet.wire.Lane;
import org.junit.jupiter.api.Test;

/// Which volumes count as purged, for a disk that has chunks of them and finds a catalogue without.
class PurgeTest {
    private final Harness harness = Harness.healthy(2);

    PurgeTest() {
        for (int disk = 1; disk <= 2; disk++) {
            TestClient client = harness.connect(disk, Lane.WRITE);
            client.open(5);
            client.write(0, 1, 0, Versions.of(5, 1), 1);
            client.sync(0, 1, 2, 3);
        }
        harness.stopClean(2);
    }

    /// The second disk comes back, and has looked around.
    private boolean keeps() {
        harness.start(2, true);
        harness.loop.advanceMs(500);
        assertThat(harness.disk(2).serving()).isTrue();
        boolean keeps = harness.store(2).chunk(1, 0) != null;
        boolean told = harness.hasEvent("WARN unknown-volume-kept disk=2 volume=1");
        assertThat(told).isEqualTo(keeps);
        assertThat(harness.disk(2).purge().keptCount()).isEqualTo(keeps ? 1 : 0);
        return keeps;
    }

    private void remade() {
        harness.meta.remade(
                0, harness.member(1, MemberState.IN_SYNC), harness.member(2, MemberState.IN_SYNC));
    }

    @Test
    void a_younger_volume_says_that_one_was_purged() {
        harness.meta.loseVolume(1);
        harness.meta.addVolume(2);
        assertThat(keeps()).isFalse();
    }

    /// Those that were looked at knew the younger one, but not this.
    @Test
    void in_a_group_made_anew_a_younger_volume_says_nothing() {
        harness.meta.loseVolume(1);
        harness.meta.addVolume(2);
        remade();
        harness.meta.addVolume(Incarnation.first(Incarnation.make(1, 7), 0));
        assertThat(keeps()).isTrue();
        long events = harness.events.stream().filter(e -> e.contains("volume-kept")).count();
        harness.disk(2).purge().unknownVolumes();
        harness.loop.advanceMs(500);
        assertThat(harness.events.stream().filter(e -> e.contains("volume-kept")).count())
                .as("told once")
                .isEqualTo(events);
    }

    @Test
    void in_a_group_made_anew_that_remembers_its_end_a_volume_goes() {
        harness.meta.loseVolume(1);
        harness.meta.addVolume(2);
        remade();
        harness.meta.purgeVolume(1);
        assertThat(keeps()).isFalse();
    }

    @Test
    void what_is_kept_goes_once_it_is_purged() {
        harness.meta.loseVolume(1);
        remade();
        assertThat(keeps()).isTrue();
        harness.meta.purgeVolume(1);
        harness.loop.advanceMs(500);
        assertThat(harness.store(2).chunk(1, 0)).isNull();
        assertThat(harness.disk(2).purge().keptCount()).isZero();
    }
}
