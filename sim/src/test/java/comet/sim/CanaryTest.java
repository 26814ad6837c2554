package comet.sim;

import static org.assertj.core.api.Assertions.assertThat;

import comet.base.Prng;
import comet.sim.Options.Fault;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.LongFunction;
import org.junit.jupiter.api.Test;

/// Each checker finds what it is there for: a rule is left out, and some seed fails by the
/// guarantee that rests on the rule. The same seeds pass with the rule in force.
class CanaryTest {
    private static final int SEEDS_MAX = 150;

    private static void caught(Canary canary, String guarantee, Fault... faults) {
        caught(canary, guarantee + ":", seed -> Options.of(seed).withFaults(set(faults)));
    }

    /// In runs that flush often.
    private static void caughtHurried(Canary canary, String failureStart, Fault... faults) {
        caught(canary, failureStart, seed -> Options.of(seed).withFaults(set(faults)).hurried());
    }

    private static Set<Fault> set(Fault... faults) {
        Set<Fault> on = EnumSet.noneOf(Fault.class);
        on.addAll(List.of(faults));
        return on;
    }

    private static void caught(
            Canary canary, String failureStart, LongFunction<Options> optionsOf) {
        caught(canary, failureStart, 1, optionsOf);
    }

    /// @param first seed that is tried
    private static void caught(
            Canary canary, String failureStart, long first, LongFunction<Options> optionsOf) {
        TreeMap<String, Integer> found = new TreeMap<>();
        for (long seed = first; seed < first + SEEDS_MAX; seed++) {
            Options options = optionsOf.apply(seed);
            String failure = Run.of(seed, options, canary, Trace.off()).failure();
            if (failure == null) {
                continue;
            }
            found.merge(failure.lines().findFirst().orElse(""), 1, Integer::sum);
            if (failure.startsWith(failureStart)) {
                System.out.println(canary + " caught by seed " + seed);
                Run.Outcome sound = Run.of(seed, options, Canary.NONE, Trace.off());
                assertThat(sound.failure()).isNull();
                return;
            }
        }
        throw new AssertionError(canary + " was not caught as " + failureStart + " " + found);
    }

    @Test
    void g1_a_replica_that_loses_blocks_is_caught() {
        caught(Canary.LOSE_BLOCKS, "G1");
    }

    private static void caughtWhileMoving(Canary canary, String failureStart, Fault... faults) {
        Set<Fault> on = EnumSet.of(Fault.DRAIN, Fault.WEIGHT);
        on.addAll(List.of(faults));
        caught(
                canary,
                failureStart,
                seed -> Options.of(seed).moving(new Prng(seed)).withFaults(on));
    }

    @Test
    void g2_a_replica_that_leaves_before_the_new_one_is_in_sync_is_caught() {
        caughtWhileMoving(Canary.LEAVE_EARLY, "G2:");
    }

    @Test
    void g2_a_replica_that_deletes_before_it_has_left_is_caught() {
        caughtWhileMoving(Canary.DROP_EARLY, "G2:");
    }

    /// By the gateway that opens: what it finds is less than what was completed.
    @Test
    void a_new_replica_that_counts_as_in_sync_at_once_is_caught() {
        caughtWhileMoving(Canary.IN_SYNC_AT_ONCE, "unexpected event", Fault.AWAY, Fault.KILL_NODE);
    }

    @Test
    void g2_leaving_the_last_copy_behind_is_caught() {
        caught(Canary.LEAVE_LAST_COPY, "G2", Fault.AWAY, Fault.LEAVE);
    }

    @Test
    void g3_a_recovering_replica_that_serves_is_caught() {
        caught(Canary.SERVE_WHILE_RECOVERING, "G3", Fault.KILL_NODE);
    }

    @Test
    void g3_a_replica_that_was_left_behind_and_serves_is_caught() {
        caught(Canary.SERVE_WHILE_RECOVERING, "G3:", seed -> Options.of(seed).onceAway());
    }

    @Test
    void g4_a_flush_that_syncs_nothing_is_caught() {
        caughtHurried(Canary.NO_SYNC, "G4:", Fault.POWER_EVERYTHING);
    }

    @Test
    void a_disk_that_lies_about_syncs_is_caught_by_the_store_itself() {
        caughtHurried(Canary.LIE_ABOUT_SYNC, "unexpected event", Fault.POWER_EVERYTHING);
    }

    /// What was flushed does not fit its checksum on either disk.
    @Test
    void g4_records_before_their_data_are_caught() {
        caughtHurried(Canary.RECORD_BEFORE_DATA, "G8:", Fault.POWER_EVERYTHING);
    }

    @Test
    void g5_forgotten_writes_are_caught() {
        caught(Canary.FORGET_KEPT_WRITES, "G5", Fault.POWER_ALL_NODES);
    }

    @Test
    void g6_a_missing_fence_is_caught() {
        caught(Canary.NO_FENCE, "G6", Fault.TAKEOVER);
    }

    @Test
    void g6_a_group_made_anew_whose_terms_go_back_is_caught() {
        caught(Canary.TERMS_GO_BACK, "G1", Fault.LOSE_GROUP, Fault.TAKEOVER);
    }

    /// By the gateway that opens: what it finds is less than what was completed.
    @Test
    void a_group_made_anew_that_trusts_an_older_copy_of_the_map_is_caught() {
        caught(
                Canary.FORGET_BOOKS,
                "unexpected event",
                110,
                seed ->
                        Options.of(seed)
                                .withFaults(set(Fault.LOSE_GROUP, Fault.LEAVE, Fault.AWAY)));
    }

    /// A group that was made anew without it waits for it, and it had left.
    @Test
    void a_disk_that_takes_part_where_it_had_left_is_caught() {
        caught(Canary.FORGET_OWN_BOOK, "unexpected event", 1113, Options::of);
    }

    @Test
    void g7_a_skipped_levelling_is_caught() {
        caught(Canary.SKIP_LEVELLING, "G7", Fault.KILL_GATEWAY);
    }

    @Test
    void g8_rot_that_is_served_is_caught() {
        caught(Canary.SERVE_ROT, "G8");
    }

    @Test
    void g8_a_scrub_that_overlooks_rot_is_caught() {
        scrubbing(Canary.BLIND_SCRUB, "G8:", Fault.ROT);
    }

    @Test
    void g7_a_scrub_that_compares_nothing_is_caught() {
        scrubbing(Canary.COMPARE_NOTHING, "G7:", Fault.KILL_GATEWAY);
    }

    private static void scrubbing(Canary canary, String failureStart, Fault... faults) {
        Set<Fault> on = set(faults);
        caught(
                canary,
                failureStart,
                seed -> Options.of(seed).withFaults(on).scrubbed(new Prng(seed)).withFaults(on));
    }

    @Test
    void g8_rot_that_is_never_repaired_is_caught() {
        caught(Canary.NO_REPAIR, "G8", Fault.ROT);
    }
}
