package comet.replica;

import static org.assertj.core.api.Assertions.assertThat;

import comet.cluster.ClusterSettings;
import comet.cluster.SettingValue;
import java.util.ArrayDeque;
import org.junit.jupiter.api.Test;

/// Recovery as a stream of steps of a given length, guests as requests at a given distance.
class FairShareTest {
    private static final long MS = 1_000_000;

    private final TestLoop loop = new TestLoop();
    private ClusterSettings settings =
            ClusterSettings.DEFAULTS.with(new SettingValue("recovery-share", "70%"));
    private final FairShare share = new FairShare(loop, () -> settings);
    private final ArrayDeque<FairShare.Permit> open = new ArrayDeque<>();
    private int steps;
    private int atOnce;
    private long busyNs;
    private boolean stopped;

    private void set(String key, String value) {
        settings = settings.with(new SettingValue(key, value));
        share.settingsChanged();
    }

    /// Recovery that always has so many steps to take.
    private void recover(int streams, int blocks, long stepNs) {
        for (int n = 0; n < streams; n++) {
            next(blocks, stepNs);
        }
    }

    private void next(int blocks, long stepNs) {
        share.ask(
                blocks,
                blocks * 4096L,
                permit -> {
                    steps++;
                    open.add(permit);
                    atOnce = Math.max(atOnce, open.size());
                    loop.schedule(
                            stepNs,
                            () -> {
                                busyNs += stepNs;
                                open.remove(permit);
                                permit.end();
                                if (!stopped) {
                                    next(blocks, stepNs);
                                }
                            });
                });
    }

    private void guests(long everyNs, int blocks) {
        share.guest(blocks);
        loop.schedule(everyNs, () -> guests(everyNs, blocks));
    }

    private double share(long overMs) {
        long before = busyNs;
        loop.advanceMs(overMs);
        return (double) (busyNs - before) / (overMs * MS);
    }

    @Test
    void beside_guests_who_ask_little_recovery_has_its_share_of_the_time() {
        guests(10 * MS, 1);
        recover(8, 128, 3 * MS);
        loop.advanceMs(100);
        assertThat(share(10_000)).isBetween(0.28, 0.31);
        assertThat(atOnce).isEqualTo(1);
    }

    @Test
    void a_slow_disk_is_left_alone_for_as_long_again() {
        guests(10 * MS, 1);
        recover(8, 128, 60 * MS);
        loop.advanceMs(1000);
        assertThat(share(20_000)).isBetween(0.27, 0.31);
    }

    @Test
    void beside_guests_who_keep_the_disk_busy_recovery_works_three_units_for_their_seven() {
        // 20,000 requests of one block a second are 40,000 units; steps take so long that with one
        // at a time and rests there would be 2 a second.
        guests(50_000, 1);
        recover(8, 128, 150 * MS);
        loop.advanceMs(1000);
        int before = steps;
        loop.advanceMs(10_000);
        double units = (steps - before) * 129.0;
        // Four at a time can do 26 a second; 40,000 * 3 / 7 units would be 132.
        assertThat(units / 10).isBetween(24 * 129.0, 27 * 129.0);
        assertThat(atOnce).isEqualTo(FairShare.EARNED_AT_ONCE);
    }

    @Test
    void what_guests_earn_is_not_more_than_the_share() {
        guests(1 * MS, 1);
        recover(8, 8, 40 * MS);
        loop.advanceMs(1000);
        int before = steps;
        loop.advanceMs(20_000);
        // 2,000 units a second earn 857, so 95 steps of 9 units; by time there would be 7.5.
        assertThat((steps - before) / 20.0).isBetween(88.0, 97.0);
    }

    @Test
    void the_share_changes_live() {
        guests(10 * MS, 1);
        recover(8, 128, 3 * MS);
        loop.advanceMs(100);
        set("recovery-share", "40%");
        assertThat(share(10_000)).isBetween(0.57, 0.61);
        set("recovery-share", "95%");
        loop.advanceMs(100);
        assertThat(share(10_000)).isBetween(0.045, 0.052);
        set("recovery-share", "0%");
        loop.advanceMs(100);
        assertThat(share(1000)).as("all eight at once").isGreaterThan(7.5);
    }

    @Test
    void where_guests_are_idle_all_steps_go_at_once_and_stop_when_guests_come_back() {
        recover(16, 128, 3 * MS);
        loop.advanceMs(FairShare.IDLE_NS / MS + 5);
        assertThat(share(1000)).isGreaterThan(15);
        guests(10 * MS, 1);
        loop.advanceMs(50);
        assertThat(share(10_000)).isBetween(0.27, 0.31);
    }

    @Test
    void who_has_just_started_is_taken_for_busy() {
        recover(16, 128, 3 * MS);
        loop.advanceMs(100);
        assertThat(atOnce).isEqualTo(1);
    }

    @Test
    void the_rate_bounds_idle_disks_too_and_counts_what_is_copied() {
        set("recovery-rate", "10M");
        recover(16, 128, 1 * MS);
        loop.advanceMs(1000);
        int before = steps;
        loop.advanceMs(10_000);
        assertThat((steps - before) / 2).as("512 KiB each").isBetween(98, 101);
        set("recovery-rate", "");
        loop.advanceMs(1000);
        assertThat(steps).isGreaterThan(10_000);
    }

    @Test
    void a_step_that_met_a_pause_rests_half_a_second_at_most() {
        guests(150 * MS, 1);
        recover(1, 128, 10_000 * MS);
        loop.advanceMs(10_001);
        assertThat(steps).isEqualTo(1);
        loop.advanceMs(498);
        assertThat(steps).isEqualTo(1);
        loop.advanceMs(2);
        assertThat(steps).isEqualTo(2);
    }

    @Test
    void urgent_steps_begin_at_once_and_are_charged() {
        guests(10 * MS, 1);
        FairShare.Permit permit = share.urgent(128);
        loop.advanceMs(30);
        permit.end();
        permit.end();
        recover(1, 128, 3 * MS);
        loop.advanceMs(69);
        assertThat(steps).isZero();
        loop.advanceMs(2);
        assertThat(steps).isEqualTo(1);
    }

    @Test
    void nothing_is_left_behind_at_the_end() {
        guests(10 * MS, 1);
        recover(8, 128, 3 * MS);
        loop.advanceMs(100);
        stopped = true;
        share.close();
        int before = steps;
        loop.advanceMs(5000);
        assertThat(steps).isEqualTo(before);
    }
}
