package comet.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import comet.base.Prng;
import comet.cluster.VolumeInfo.Attachment;
import comet.cluster.VolumeInfo.Durability;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class MapImageTest {
    private final Prng prng = new Prng(7);

    private long any() {
        return prng.nextLong() >>> prng.nextInt(64);
    }

    private int small() {
        return prng.nextInt(1 << 20);
    }

    private String text() {
        return "näme-".repeat(prng.nextInt(4)) + small();
    }

    private MapUpdate random() {
        int pgCount = 1 << prng.nextInt(6);
        List<PgConfig> pgs = new ArrayList<>();
        for (int pg = 0; pg < pgCount; pg++) {
            List<PgConfig.Member> members = new ArrayList<>();
            for (int n = prng.nextInt(4); n > 0; n--) {
                MemberState state = MemberState.values()[prng.nextInt(3)];
                members.add(new PgConfig.Member(small(), any() >>> 1, state));
            }
            PgConfig.Move move = prng.chance(1, 3) ? new PgConfig.Move(small(), 1 + small()) : null;
            pgs.add(new PgConfig(pg, any() >>> 1, members, move));
        }
        List<NodeInfo> nodes = new ArrayList<>();
        List<DiskInfo> disks = new ArrayList<>();
        List<GatewayInfo> gateways = new ArrayList<>();
        List<VolumeInfo> volumes = new ArrayList<>();
        for (int n = 1; n < 9; n++) {
            NodeInfo node = new NodeInfo(n, text(), text(), text(), List.of(text(), text()));
            node = prng.chance(1, 3) ? node.withMaintenance(any()) : node;
            nodes.add(prng.chance(1, 3) ? node.asRemoved() : node);
            DiskInfo.State state = DiskInfo.State.values()[prng.nextInt(4)];
            disks.add(
                    new DiskInfo(
                            n,
                            prng.nextLong(),
                            prng.nextLong(),
                            small(),
                            text(),
                            any(),
                            any(),
                            any(),
                            state));
            gateways.add(new GatewayInfo(n, text(), text()));
            Attachment held = prng.chance(1, 2) ? null : new Attachment(any(), 1 + small(), any());
            Durability durability = Durability.values()[prng.nextInt(2)];
            volumes.add(
                    new VolumeInfo(
                            n,
                            n + text(),
                            any(),
                            durability,
                            small(),
                            any(),
                            held,
                            prng.chance(1, 2),
                            any(),
                            any(),
                            prng.chance(1, 2)
                                    ? VolumeLimits.NONE
                                    : new VolumeLimits(any() >>> 1, any() >>> 1, small())));
        }
        ClusterInfo cluster = new ClusterInfo(prng.nextLong(), prng.nextLong(), pgCount, 2);
        List<SettingValue> settings = new ArrayList<>();
        for (int n = prng.nextInt(3); n > 0; n--) {
            settings.add(new SettingValue(n + text(), text()));
        }
        return new MapUpdate(
                0,
                1 + (any() >>> 2),
                cluster,
                nodes,
                disks,
                gateways,
                pgs,
                volumes,
                List.of(),
                settings);
    }

    @Test
    void what_was_written_is_read() {
        for (int n = 0; n < 50; n++) {
            ClusterMap map = new ClusterMap();
            map.apply(random());
            assertThat(MapImage.decode(MapImage.encode(map))).isEqualTo(map.image());
        }
    }

    @Test
    void the_format_without_additions_is_read_and_an_unknown_addition_is_left_out() {
        MapUpdate random = random();
        MapUpdate plain =
                new MapUpdate(
                        0,
                        random.revision(),
                        random.cluster(),
                        random.nodes().stream().map(MapImageTest::plain).toList(),
                        random.disks(),
                        random.gateways(),
                        random.pgs().stream().map(MapImageTest::plain).toList(),
                        random.volumes().stream()
                                .map(volume -> volume.withLimits(VolumeLimits.NONE))
                                .toList(),
                        List.of(),
                        List.of());
        ClusterMap map = new ClusterMap();
        map.apply(plain);
        byte[] whole = MapImage.encode(map);
        // Behind the volumes: four additions, 1 to 4, each of one byte: an empty list.
        byte[] additions = Arrays.copyOfRange(whole, whole.length - 13, whole.length);
        assertThat(additions).containsExactly(4, 1, 1, 0, 2, 1, 0, 3, 1, 0, 4, 1, 0);
        byte[] old = Arrays.copyOf(whole, whole.length - 13);
        old[0] = 1;
        assertThat(MapImage.decode(old)).isEqualTo(plain);
        byte[] newer = whole.clone();
        newer[whole.length - 3] = 100;
        assertThat(MapImage.decode(newer)).isEqualTo(plain);
    }

    private static NodeInfo plain(NodeInfo node) {
        return new NodeInfo(
                node.nodeId(), node.name(), node.domain(), node.hostId(), node.addresses());
    }

    private static PgConfig plain(PgConfig pg) {
        return new PgConfig(pg.pg(), pg.epoch(), pg.members());
    }

    @Test
    void what_is_cut_damaged_or_newer_is_no_map() {
        ClusterMap map = new ClusterMap();
        map.apply(random());
        byte[] whole = MapImage.encode(map);
        for (int length = 0; length < whole.length; length++) {
            assertThat(MapImage.decode(Arrays.copyOf(whole, length))).isNull();
        }
        assertThat(MapImage.decode(Arrays.copyOf(whole, whole.length + 1))).isNull();
        for (int n = 0; n < 3000; n++) {
            byte[] damaged = whole.clone();
            damaged[prng.nextInt(damaged.length)] = (byte) prng.nextLong();
            // Whatever it is taken for, nothing breaks.
            var _ = MapImage.decode(damaged);
        }
        whole[0] = MapImage.FORMAT + 1;
        assertThat(MapImage.decode(whole)).isNull();
    }
}
