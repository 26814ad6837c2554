package comet.server.admin;

import static org.assertj.core.api.Assertions.assertThat;

import comet.cluster.ClusterInfo;
import comet.cluster.GatewayInfo;
import comet.cluster.MapUpdate;
import comet.cluster.VolumeInfo;
import comet.cluster.VolumeInfo.Attachment;
import comet.cluster.VolumeInfo.Durability;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/// Where a volume is reached, as gateway g1 is asked.
class VolumesTest {
    private static final List<String> NBD =
            List.of(
                    "nbd+unix:///{volume}?socket=/run/nbd.sock",
                    "nbd://127.0.0.1:1/{volume}",
                    "nbd://192.0.2.7:1/{volume}"); // for documentation: nobody's

    private static final class One implements GatewayPart {
        @Override
        public String name() {
            return "g1";
        }

        @Override
        public List<VolumeState> volumes() {
            return List.of();
        }

        @Override
        public long attach(VolumeInfo volume, boolean takeover) {
            throw new AssertionError("nobody asked");
        }

        @Override
        public void detach(VolumeInfo volume) {
            throw new AssertionError("nobody asked");
        }

        @Override
        public List<String> uris(String volume) {
            return List.of("nbd://g1/" + volume);
        }
    }

    private static List<String> uris(@Nullable GatewayPart part, long heldBy) {
        FakeGroup group = new FakeGroup();
        Attachment held = heldBy == 0 ? null : new Attachment(heldBy, 1, 0);
        VolumeInfo volume = new VolumeInfo(1, "v", 4096, Durability.FLUSH, 1, 1, held, true, 1, 0);
        group.update(
                new MapUpdate(
                        0,
                        5,
                        new ClusterInfo(1, 2, 1, 1),
                        List.of(),
                        List.of(),
                        List.of(
                                new GatewayInfo(1, "g1", "here"),
                                new GatewayInfo(2, "g2", "here"),
                                new GatewayInfo(3, "g3", "there"),
                                new GatewayInfo(4, "g4", "here")),
                        List.of(),
                        List.of(volume),
                        List.of()));
        for (long gateway = 1; gateway <= 3; gateway++) {
            group.gateways.put(gateway, new GroupStatus.Seen(true, 10, 0, null, NBD));
        }
        return new Volumes(group, part).info("v").uris();
    }

    @Test
    void a_volume_is_reached_where_it_is_attached() {
        assertThat(uris(new One(), 0)).containsExactly("nbd://g1/v");
        assertThat(uris(new One(), 1)).containsExactly("nbd://g1/v");
        assertThat(uris(new One(), 2))
                .containsExactly(
                        "nbd+unix:///v?socket=/run/nbd.sock",
                        "nbd://127.0.0.1:1/v",
                        "nbd://192.0.2.7:1/v");
        assertThat(uris(new One(), 3))
                .as("another host's own addresses lead elsewhere from here")
                .containsExactly("nbd://192.0.2.7:1/v");
        assertThat(uris(new One(), 4)).as("has not said it yet").isEmpty();
    }

    @Test
    void a_process_without_a_gateway_knows_of_those_that_hold_volumes() {
        assertThat(uris(null, 0)).isEmpty();
        assertThat(uris(null, 2)).hasSize(3);
    }
}
