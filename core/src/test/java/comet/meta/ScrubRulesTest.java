package comet.meta;

import static org.assertj.core.api.Assertions.assertThat;

import comet.cluster.ClusterMap;
import comet.cluster.Command;
import comet.cluster.ScrubCounts;
import comet.cluster.ScrubReport;
import comet.cluster.Scrubs;
import java.util.List;
import org.junit.jupiter.api.Test;

/// Orders to scrub and what disks answer, as the map shows them.
class ScrubRulesTest extends GroupRig {
    private static ScrubReport report(int diskId, int pg, long orderId, long errors) {
        ScrubCounts counts = new ScrubCounts(1, 4096, errors, 0, 0, 0, 0, 0);
        return new ScrubReport(diskId, pg, orderId, 5, 6, counts, List.of());
    }

    @Test
    void orders_and_reports_are_seen_by_all() {
        twoDisks();
        assertThat(id(new Command.OrderScrub(3, 0, 99))).isEqualTo(1);
        assertThat(id(new Command.OrderScrub(-1, 2, 99))).isEqualTo(2);
        assertThat(found(map.scrubs().orderOf(3)).askedAtMs()).isEqualTo(99);
        assertThat(found(map.scrubs().order(2)).diskId()).isEqualTo(2);
        done(new Command.Scrubbed(report(1, 3, 1, 7)));
        done(new Command.Scrubbed(report(2, -1, 2, 8)));
        assertThat(found(map.scrubs().report(1, 3)).counts().errors()).isEqualTo(7);
        assertThat(found(map.scrubs().report(2, -1)).counts().errors()).isEqualTo(8);
        assertThat(map.scrubs().report(2, 3)).isNull();
        // As the next leader has it, and who has missed everything.
        Group next = new Group(group.image());
        ClusterMap late = new ClusterMap();
        assertThat(late.apply(next.changesAfter(0))).isTrue();
        assertThat(late.scrubs().orders()).isEqualTo(map.scrubs().orders());
        assertThat(late.scrubs().reports()).isEqualTo(map.scrubs().reports());
        assertThat(late.image()).isEqualTo(map.image());
    }

    @Test
    void what_does_not_exist_is_refused() {
        twoDisks();
        refused("unknown-pg", new Command.OrderScrub(PGS, 0, 1));
        refused("unknown-pg", new Command.OrderScrub(-2, 1, 1));
        refused("unknown-disk", new Command.OrderScrub(-1, 3, 1));
        refused("unknown-disk", new Command.Scrubbed(report(3, -1, 0, 0)));
    }

    @Test
    void a_report_on_an_older_order_or_on_none_changes_nothing() {
        twoDisks();
        id(new Command.OrderScrub(3, 0, 1));
        id(new Command.OrderScrub(3, 0, 1));
        done(new Command.Scrubbed(report(1, 3, 2, 7)));
        long revision = group.revision();
        done(new Command.Scrubbed(report(1, 3, 1, 9)));
        done(new Command.Scrubbed(report(1, 4, 2, 9)));
        done(new Command.Scrubbed(report(1, 3, 0, 9)));
        assertThat(group.revision()).isEqualTo(revision);
        assertThat(found(map.scrubs().report(1, 3)).counts().errors()).isEqualTo(7);
    }

    @Test
    void old_orders_are_forgotten_with_their_reports_alike_by_all() {
        twoDisks();
        id(new Command.OrderScrub(3, 0, 1));
        done(new Command.Scrubbed(report(1, 3, 1, 7)));
        done(new Command.Scrubbed(report(1, -1, 1, 7)));
        for (int n = 0; n < Scrubs.ORDERS_MAX; n++) {
            id(new Command.OrderScrub(n % PGS, 0, 1));
        }
        assertThat(map.scrubs().orders()).hasSize(Scrubs.ORDERS_MAX);
        assertThat(map.scrubs().report(1, 3)).isNull();
        assertThat(map.scrubs().report(1, -1)).isNotNull();
        ClusterMap late = new ClusterMap();
        assertThat(late.apply(group.changesAfter(0))).isTrue();
        assertThat(late.image()).isEqualTo(map.image());
        assertThat(id(new Command.OrderScrub(1, 0, 1))).isEqualTo(Scrubs.ORDERS_MAX + 2);
    }
}
