package comet.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import comet.base.Prng;
import comet.cluster.Placement.Candidate;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PlacementTest {
    private static final int PGS = 1024;

    @Test
    void two_disks_in_two_domains_both_hold_everything() {
        List<Candidate> disks = List.of(new Candidate(1, "a", 10), new Candidate(2, "b", 99));
        for (int[] members : Placement.plan(2, disks, none(), true)) {
            assertThat(members).containsExactlyInAnyOrder(1, 2);
        }
    }

    @Test
    void too_few_domains_leave_groups_short() {
        List<Candidate> disks = List.of(new Candidate(1, "a", 10), new Candidate(2, "a", 10));
        int[][] planned = Placement.plan(2, disks, none(), true);
        for (int[] members : planned) {
            assertThat(members).hasSize(1);
        }
        assertThat(counts(planned)).containsEntry(1, PGS / 2).containsEntry(2, PGS / 2);
    }

    @Test
    void no_disks_no_members() {
        for (int[] members : Placement.plan(3, List.of(), none(), true)) {
            assertThat(members).isEmpty();
        }
    }

    /// Random clusters grow disk by disk and lose disks: always distinct domains, as many members
    /// as there can be, everybody near the fair share, and no more moved than needed.
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
    void grows_and_shrinks_in_balance_and_moves_little(long seed) {
        Prng prng = new Prng(seed);
        int replicas = 1 + prng.nextInt(3);
        int domains = 2 + prng.nextInt(5);
        ArrayList<Candidate> disks = new ArrayList<>();
        int[][] current = none();
        for (int step = 1; step <= 24; step++) {
            if (disks.size() > 6 && prng.chance(1, 4)) {
                disks.remove(prng.nextInt(disks.size()));
            } else {
                String domain = "room-" + prng.nextInt(domains);
                disks.add(new Candidate(step, domain, (1 + prng.nextInt(4)) * 1000L));
            }
            int[][] planned = Placement.plan(replicas, disks, current, true);
            assertThat(Placement.plan(replicas, disks, current, true)).isDeepEqualTo(planned);
            checkDomains(planned, disks, replicas);
            checkBalance(planned, disks);
            checkMoves(current, planned, disks);
            current = planned;
        }
    }

    @Test
    void equal_disks_get_equal_shares_and_a_new_one_takes_only_its_own() {
        ArrayList<Candidate> disks = new ArrayList<>();
        for (int i = 1; i <= 12; i++) {
            disks.add(new Candidate(i, "d" + i % 4, 1000));
        }
        int[][] before = Placement.plan(2, disks, none(), true);
        counts(before).values().forEach(count -> assertThat(count).isBetween(170, 171));
        for (int i = 13; i <= 16; i++) {
            disks.add(new Candidate(i, "d" + i % 4, 1000));
        }
        int[][] after = Placement.plan(2, disks, before, true);
        counts(after).values().forEach(count -> assertThat(count).isEqualTo(128));
        assertThat(moved(before, after)).isEqualTo(4 * 128);
    }

    @Test
    void members_that_may_not_move_stay_and_gaps_are_filled_in_balance() {
        List<Candidate> one = List.of(new Candidate(1, "a", 1000));
        int[][] short1 = Placement.plan(2, one, none(), true);
        List<Candidate> more =
                List.of(
                        new Candidate(1, "a", 1000),
                        new Candidate(2, "b", 1000),
                        new Candidate(3, "c", 1000),
                        new Candidate(4, "a", 1000));
        int[][] planned = Placement.plan(2, more, short1, false);
        for (int[] members : planned) {
            assertThat(members).hasSize(2).startsWith(1);
        }
        assertThat(counts(planned)).containsEntry(2, PGS / 2).containsEntry(3, PGS / 2);
        assertThat(counts(planned)).doesNotContainKey(4);
    }

    @Test
    void a_disk_without_weight_keeps_what_it_has_and_gets_nothing() {
        List<Candidate> before = List.of(new Candidate(1, "a", 1000));
        int[][] current = Placement.plan(2, before, none(), true);
        current[7] = new int[0];
        List<Candidate> after = List.of(new Candidate(1, "a", 0), new Candidate(2, "b", 1000));
        int[][] planned = Placement.plan(2, after, current, false);
        assertThat(planned[0]).containsExactly(1, 2);
        assertThat(planned[7]).containsExactly(2);
    }

    private static void checkDomains(int[][] planned, List<Candidate> disks, int replicas) {
        Map<Integer, String> domain = new TreeMap<>();
        disks.forEach(disk -> domain.put(disk.diskId(), disk.domain()));
        int expected = Math.min(replicas, new HashSet<>(domain.values()).size());
        for (int[] members : planned) {
            Set<String> used = new HashSet<>();
            for (int member : members) {
                assertThat(used.add(domain.get(member))).isTrue();
            }
            assertThat(used).hasSize(expected);
        }
    }

    /// At most 5% above the share of its weight in its domain where that is 20 or more, one above
    /// below that; domains likewise, where none would need to hold a group twice.
    private static void checkBalance(int[][] planned, List<Candidate> disks) {
        Map<Integer, Integer> counts = counts(planned);
        TreeMap<String, Double> domainWeight = new TreeMap<>();
        TreeMap<String, Integer> domainCount = new TreeMap<>();
        double weight = 0;
        int slots = 0;
        for (Candidate disk : disks) {
            weight += disk.weight();
            domainWeight.merge(disk.domain(), (double) disk.weight(), Double::sum);
            int count = counts.getOrDefault(disk.diskId(), 0);
            domainCount.merge(disk.domain(), count, Integer::sum);
            slots += count;
        }
        for (Candidate disk : disks) {
            double share =
                    domainCount.getOrDefault(disk.domain(), 0)
                            * (double) disk.weight()
                            / domainWeight.getOrDefault(disk.domain(), 0.0);
            assertThat(counts.getOrDefault(disk.diskId(), 0))
                    .isLessThanOrEqualTo(most(share))
                    .isGreaterThanOrEqualTo((int) share);
        }
        boolean capped = false;
        for (String domain : domainWeight.keySet()) {
            capped |= domainCount.getOrDefault(domain, 0) == PGS;
        }
        for (String domain : domainWeight.keySet()) {
            double share = slots * domainWeight.getOrDefault(domain, 0.0) / weight;
            if (!capped) {
                assertThat(domainCount.getOrDefault(domain, 0)).isLessThanOrEqualTo(most(share));
            }
        }
    }

    private static int most(double share) {
        return share >= 20
                ? Math.max((int) (share * 1.05), (int) Math.ceil(share))
                : (int) share + 1;
    }

    /// What is moved is what somebody gained; the sum of gains is what had to move, save for moves
    /// over a third domain.
    private static void checkMoves(int[][] before, int[][] after, List<Candidate> disks) {
        Map<Integer, Integer> had = counts(before);
        Map<Integer, Integer> has = counts(after);
        int gained = 0;
        for (Candidate disk : disks) {
            gained +=
                    Math.max(
                            0,
                            has.getOrDefault(disk.diskId(), 0)
                                    - had.getOrDefault(disk.diskId(), 0));
        }
        assertThat(moved(before, after)).isLessThanOrEqualTo(gained + gained / 2 + 8);
    }

    private static int moved(int[][] before, int[][] after) {
        int moved = 0;
        for (int pg = 0; pg < after.length; pg++) {
            for (int member : after[pg]) {
                boolean stayed = false;
                for (int old : before[pg]) {
                    stayed |= old == member;
                }
                moved += stayed ? 0 : 1;
            }
        }
        return moved;
    }

    private static Map<Integer, Integer> counts(int[][] planned) {
        TreeMap<Integer, Integer> counts = new TreeMap<>();
        for (int[] members : planned) {
            for (int member : members) {
                counts.merge(member, 1, Integer::sum);
            }
        }
        return counts;
    }

    private static int[][] none() {
        return new int[PGS][0];
    }
}
