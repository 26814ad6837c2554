package comet.server.data;

import static org.assertj.core.api.Assertions.assertThat;

import comet.volume.VolumeStats;
import comet.volume.VolumeStatus;
import org.junit.jupiter.api.Test;

/// When a gateway that stops need not wait any longer.
class GatewayDataTest {
    private static VolumeStatus volume(long unsyncedBytes, int unsyncedWrites) {
        return new VolumeStatus(
                5,
                "v",
                "draining",
                1,
                0,
                false,
                "disk 2: gone",
                1,
                0,
                0,
                unsyncedBytes,
                unsyncedWrites,
                0,
                new VolumeStats(),
                0,
                0);
    }

    @Test
    void a_trim_that_is_durable_nowhere_is_something_to_lose() {
        assertThat(GatewayData.nothingToLose(volume(0, 0))).isTrue();
        assertThat(GatewayData.nothingToLose(volume(4096, 1))).isFalse();
        assertThat(GatewayData.nothingToLose(volume(0, 1))).isFalse();
    }
}
