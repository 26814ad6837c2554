package comet.server.admin;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import comet.cluster.ClusterInfo;
import comet.cluster.Command;
import comet.cluster.DiskInfo;
import comet.cluster.MapUpdate;
import comet.cluster.MemberState;
import comet.cluster.PgConfig;
import comet.cluster.PgConfig.Member;
import comet.cluster.VolumeInfo;
import comet.cluster.VolumeInfo.Durability;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// Disk 1 was the last in sync of everything and is away. Of group 0 disk 2 lives with an old copy,
/// of group 1 nobody does.
class ForcingTest {
    private final FakeGroup group = new FakeGroup();
    private final Forcing forcing = new Forcing(group);

    @BeforeEach
    void aDiskIsAway() {
        List<DiskInfo> disks = new ArrayList<>();
        for (int id = 1; id <= 3; id++) {
            disks.add(new DiskInfo(id, 0, id, 1, "a" + id, 100, 6 + id, 1, DiskInfo.State.ACTIVE));
        }
        group.update(
                new MapUpdate(
                        0,
                        5,
                        new ClusterInfo(1, 2, 2, 2),
                        List.of(),
                        disks,
                        List.of(),
                        List.of(pg(0, 2), pg(1, 3)),
                        List.of(volume(1, "large", 1 << 30), volume(2, "small", 4096)),
                        List.of()));
        group.disks.put(1, new GroupStatus.Seen(false, 9000, 7));
        group.disks.put(2, new GroupStatus.Seen(true, 10, 8));
        group.disks.put(3, new GroupStatus.Seen(false, 9000, 9));
    }

    private static PgConfig pg(int pg, int stale) {
        return new PgConfig(
                pg,
                1,
                List.of(
                        new Member(1, 7, MemberState.IN_SYNC),
                        new Member(stale, 1, MemberState.STALE)));
    }

    private static VolumeInfo volume(long id, String name, long bytes) {
        return new VolumeInfo(id, name, bytes, Durability.FLUSH, 1, 0, null, true, 1, 0);
    }

    @Test
    void what_waits_for_a_disk_is_told_with_its_volumes() {
        Forcing.StuckView stuck = forcing.stuck(1);
        assertThat(stuck.pgs()).containsExactly(0, 1);
        assertThat(stuck.withoutCopy()).containsExactly(1);
        assertThat(stuck.volumes())
                .containsExactly(
                        new Forcing.VolumeView("large", 256, 256),
                        new Forcing.VolumeView("small", 1, 1));
        assertThat(forcing.stuck(3).pgs()).containsExactly(1);
        assertThat(forcing.stuck(3).volumes().getFirst().chunks()).isBetween(1L, 255L);
        assertThatThrownBy(() -> forcing.stuck(9)).hasMessageContaining("there is no disk 9");
    }

    @Test
    void nothing_is_not_asked_for_where_an_old_copy_lives() {
        assertThatThrownBy(() -> forcing.force(List.of(0), true, true))
                .hasMessageContaining("an old copy lives");
        assertThat(group.commands).isEmpty();
        forcing.force(List.of(0, 1), true, true);
        forcing.force(List.of(0), false, true);
        assertThat(group.commands)
                .containsExactly(
                        new Command.ForceAvailable(List.of(0, 1), true),
                        new Command.ForceAvailable(List.of(0), false));
    }
}
