package comet.server.up;

import static org.assertj.core.api.Assertions.assertThat;

import comet.cluster.VolumeInfo;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class GraceTest {
    private static final long HOUR_MS = 3_600_000;
    private static final long NOON_MS = 1_700_000_000_000L;

    private final Grace grace = new Grace(Duration.ofHours(24));
    private long nowMs = NOON_MS;
    private long wallMs = NOON_MS;

    private static VolumeInfo deletedAt(long ms) {
        return new VolumeInfo(
                7, "v", 4096, VolumeInfo.Durability.FLUSH, 1, 0, null, true, NOON_MS, ms);
    }

    private boolean due(VolumeInfo volume) {
        return !grace.due(List.of(volume), nowMs * 1_000_000, wallMs).isEmpty();
    }

    private void pass(long ms) {
        nowMs += ms;
        wallMs += ms;
    }

    @Test
    void a_volume_is_due_when_its_time_is_over() {
        VolumeInfo volume = deletedAt(NOON_MS);
        assertThat(due(volume)).isFalse();
        pass(24 * HOUR_MS - 1);
        assertThat(due(volume)).isFalse();
        pass(1);
        assertThat(due(volume)).isTrue();
    }

    @Test
    void a_clock_that_jumps_purges_nothing_and_keeps_nothing() {
        VolumeInfo volume = deletedAt(NOON_MS);
        assertThat(due(volume)).isFalse();
        wallMs += 1000 * HOUR_MS;
        assertThat(due(volume)).isFalse();
        wallMs -= 3000 * HOUR_MS;
        pass(24 * HOUR_MS);
        assertThat(due(volume)).isTrue();
    }

    @Test
    void what_was_deleted_long_before_has_ten_minutes_left() {
        VolumeInfo volume = deletedAt(NOON_MS - 1000 * HOUR_MS);
        assertThat(due(volume)).isFalse();
        pass(HOUR_MS / 6 - 1);
        assertThat(due(volume)).isFalse();
        pass(1);
        assertThat(due(volume)).isTrue();
    }

    @Test
    void what_was_deleted_in_the_future_has_all_its_time() {
        VolumeInfo volume = deletedAt(NOON_MS + 1000 * HOUR_MS);
        assertThat(due(volume)).isFalse();
        pass(24 * HOUR_MS);
        assertThat(due(volume)).isTrue();
    }

    @Test
    void restored_and_deleted_again_it_counts_anew() {
        assertThat(due(deletedAt(NOON_MS))).isFalse();
        pass(23 * HOUR_MS);
        assertThat(due(deletedAt(wallMs))).isFalse();
        pass(2 * HOUR_MS);
        assertThat(due(deletedAt(NOON_MS + 23 * HOUR_MS))).isFalse();
        assertThat(grace.due(List.of(), nowMs * 1_000_000, wallMs)).isEmpty();
    }
}
