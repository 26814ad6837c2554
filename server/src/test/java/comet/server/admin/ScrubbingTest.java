package comet.server.admin;

import static org.assertj.core.api.Assertions.assertThat;

import comet.cluster.ClusterInfo;
import comet.cluster.ClusterMap;
import comet.cluster.Command;
import comet.cluster.DiskInfo;
import comet.cluster.MapUpdate;
import comet.cluster.MemberState;
import comet.cluster.NodeInfo;
import comet.cluster.PgConfig;
import comet.cluster.PgConfig.Member;
import comet.cluster.ScrubCounts;
import comet.cluster.ScrubOrder;
import comet.cluster.ScrubReport;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/// What the API orders, and how it shows what disks have found.
class ScrubbingTest {
    private final FakeGroup group = new FakeGroup();
    private long revision = 1;

    private ClusterMap map() {
        return group.map;
    }

    /// One placement group on two disks of two nodes; the second is in this state.
    private void cluster(MemberState second) {
        List<Member> members =
                List.of(new Member(1, 7, MemberState.IN_SYNC), new Member(2, 8, second));
        group.update(
                new MapUpdate(
                        0,
                        revision,
                        new ClusterInfo(1, 2, 1, 2),
                        List.of(
                                new NodeInfo(1, "node-1", "a", "h", List.of("127.0.0.1:1")),
                                new NodeInfo(2, "node-2", "b", "h", List.of("127.0.0.1:2"))),
                        List.of(
                                new DiskInfo(1, 0, 1, 1, "a", 100, 7, 1, DiskInfo.State.ACTIVE),
                                new DiskInfo(2, 0, 2, 2, "b", 100, 8, 1, DiskInfo.State.ACTIVE)),
                        List.of(),
                        List.of(new PgConfig(0, 1, members)),
                        List.of(),
                        List.of()));
    }

    private void learn(List<ScrubOrder> orders, List<ScrubReport> reports) {
        long before = revision++;
        group.update(
                new MapUpdate(
                        before, revision, null, List.of(), List.of(), List.of(), List.of(),
                        List.of(), List.of(), null, orders, reports));
    }

    private static ScrubReport report(
            int diskId, int pg, long orderId, long endedAtMs, long errors, long conflicts) {
        ScrubCounts counts = new ScrubCounts(1, 4096, errors, 0, 0, 0, conflicts, 0);
        List<Integer> bad = errors + conflicts > 0 ? List.of(Math.max(pg, 0)) : List.of();
        return new ScrubReport(diskId, pg, orderId, 1, endedAtMs, counts, bad);
    }

    private List<String> health() {
        List<Health.Item> items = new ArrayList<>();
        Scrubbing.health(map(), items);
        return items.stream().map(item -> item.level() + " " + item.code()).toList();
    }

    @Test
    void orders_go_to_the_group() {
        cluster(MemberState.IN_SYNC);
        assertThat(Scrubbing.orderPg(group, 0)).containsKey("id");
        assertThat(Scrubbing.orderDisk(group, "2")).containsKey("id");
        assertThat(group.commands).hasSize(2);
        assertThat(((Command.OrderScrub) group.commands.getFirst()).pg()).isZero();
        assertThat(((Command.OrderScrub) group.commands.getLast()).pg()).isEqualTo(-1);
        assertThat(((Command.OrderScrub) group.commands.getLast()).diskId()).isEqualTo(2);
    }

    @Test
    void a_repair_is_done_when_all_members_that_are_in_sync_have_answered_the_last_order() {
        cluster(MemberState.IN_SYNC);
        assertThat(Scrubbing.repair(map(), 0)).isNull();
        learn(List.of(new ScrubOrder(1, 0, 0, 5)), List.of());
        learn(List.of(new ScrubOrder(2, 0, 0, 6)), List.of(report(1, 0, 1, 9, 0, 0)));
        assertThat(repair().done()).isFalse();
        assertThat(repair().members().getFirst().result()).as("of an older order").isNull();
        learn(List.of(), List.of(report(1, 0, 2, 9, 0, 0)));
        assertThat(repair().done()).isFalse();
        learn(List.of(), List.of(report(2, 0, 2, 9, 1, 0)));
        assertThat(repair().done()).isTrue();
        assertThat(repair().bad()).isTrue();
    }

    @Test
    void nobody_waits_for_a_member_that_is_not_in_sync() {
        cluster(MemberState.RECOVERING);
        learn(List.of(new ScrubOrder(1, 0, 0, 5)), List.of(report(1, 0, 1, 9, 0, 0)));
        assertThat(repair().done()).isTrue();
        assertThat(repair().bad()).isFalse();
    }

    private Scrubbing.RepairView repair() {
        Scrubbing.RepairView repair = Scrubbing.repair(map(), 0);
        if (repair == null) {
            throw new AssertionError("no repair");
        }
        return repair;
    }

    @Test
    void health_tells_what_the_last_lap_left_until_a_repair_finds_nothing() {
        cluster(MemberState.IN_SYNC);
        learn(List.of(new ScrubOrder(1, 0, 0, 5)), List.of(report(1, -1, 0, 10, 0, 0)));
        assertThat(health()).isEmpty();
        learn(List.of(), List.of(report(1, -1, 0, 20, 3, 0)));
        assertThat(health()).containsExactly("warn scrub-errors");
        learn(List.of(), List.of(report(1, 0, 1, 15, 0, 0)));
        assertThat(health()).as("older than the lap").containsExactly("warn scrub-errors");
        learn(List.of(), List.of(report(1, 0, 1, 25, 0, 0)));
        assertThat(health()).isEmpty();
        learn(List.of(), List.of(report(2, 0, 1, 30, 0, 1)));
        assertThat(health()).containsExactly("error scrub-conflict");
    }
}
