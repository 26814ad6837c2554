package comet.cluster;

import comet.base.Check;
import comet.base.Prng;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// Which disks hold which placement group: a plan made from the disks and the present members.
///
/// Weighted rendezvous hashing proposes (Thaler and Ravishankar, "A name-based mapping scheme for
/// rendezvous", 1996; with weights as `-w / ln(u)`), first a PG's domains, then in each of them a
/// disk. A proposal alone spreads only like thrown dice, so a second step moves single PGs from
/// those above their fair share to those below, until every domain and every disk in it has its
/// share, rounded up or down. It only ever moves from over to under, so a disk that joins or leaves
/// moves about its own share and nothing else.
///
/// A domain's share is its part of the total weight, but at most every PG once; what is beyond goes
/// to the others. Feasibility depends on domains alone: within one a PG can go from any disk to any
/// other. Between domains a move from X to Y needs a PG in X and not in Y; where there is none, the
/// move goes over a third one (a shortest path).
///
/// The same input gives the same plan on every machine (`StrictMath`, no hash order).
public final class Placement {
    /// A disk that may hold PGs.
    ///
    /// @param weight 0 for a disk that keeps what it has but takes nothing new
    public record Candidate(int diskId, String domain, long weight) {}

    private static final int NONE = -1;

    private final int replicas;
    private final Candidate[] disks;
    private final int[] domainOf;

    /// Indexes of the disks in each domain.
    private final int[][] disksOf;

    private final long[] domainHash;
    private final double[] domainWeight;

    /// Per PG and slot: the domain, and the index of the disk in `disks` (NONE: to be chosen).
    private final int[][] domain;

    private final int[][] disk;

    /// Slots below this one of each PG stay where they are.
    private final int[] fixed;

    private final int[] domainCount;
    private final int[] movableCount;
    private final int[] diskCount;
    private final int[] diskTarget;

    private Placement(int replicas, List<Candidate> candidates, int[][] current, boolean mayMove) {
        this.replicas = replicas;
        disks = candidates.toArray(new Candidate[0]);
        Arrays.sort(disks, (a, b) -> Integer.compare(a.diskId, b.diskId));
        TreeMap<String, Integer> names = new TreeMap<>();
        for (Candidate candidate : disks) {
            names.put(candidate.domain, 0);
        }
        int next = 0;
        domainHash = new long[names.size()];
        for (var entry : names.entrySet()) {
            domainHash[next] = hash(entry.getKey());
            entry.setValue(next++);
        }
        domainOf = new int[disks.length];
        domainWeight = new double[next];
        for (int i = 0; i < disks.length; i++) {
            domainOf[i] = names.getOrDefault(disks[i].domain, NONE);
            domainWeight[domainOf[i]] += disks[i].weight;
        }
        disksOf = new int[next][];
        for (int d = 0; d < next; d++) {
            int of = d;
            disksOf[d] = IntStream.range(0, disks.length).filter(i -> domainOf[i] == of).toArray();
        }
        domainCount = new int[next];
        movableCount = new int[next];
        diskCount = new int[disks.length];
        diskTarget = new int[disks.length];
        domain = new int[current.length][];
        disk = new int[current.length][];
        fixed = new int[current.length];
        for (int pg = 0; pg < current.length; pg++) {
            load(pg, current[pg], mayMove);
        }
    }

    /// Plans the members of all PGs.
    ///
    /// @param replicas wanted per PG; a PG gets fewer where there are fewer domains
    /// @param candidates all disks that hold a PG or may get one
    /// @param current disk ids per PG as they are
    /// @param mayMove whether members that exist may be moved; else members are only added
    /// @return disk ids per PG: those that stay first and in their order, then new ones
    public static int[][] plan(
            int replicas, List<Candidate> candidates, int[][] current, boolean mayMove) {
        Check.that(replicas >= 1, "replicas", replicas, 0);
        Placement placement = new Placement(replicas, candidates, current, mayMove);
        placement.proposeDomains();
        placement.balanceDomains();
        placement.proposeDisks();
        placement.balanceDisks();
        return placement.result();
    }

    private void load(int pg, int[] members, boolean mayMove) {
        int[] keptDomain = new int[replicas];
        int[] keptDisk = new int[replicas];
        int kept = 0;
        for (int diskId : members) {
            int index = indexOf(diskId);
            boolean usable = index != NONE && (!mayMove || disks[index].weight > 0);
            if (usable && kept < replicas && !contains(keptDomain, kept, domainOf[index])) {
                keptDomain[kept] = domainOf[index];
                keptDisk[kept++] = index;
                diskCount[index]++;
                domainCount[domainOf[index]]++;
                movableCount[domainOf[index]] += mayMove ? 1 : 0;
            }
        }
        domain[pg] = Arrays.copyOf(keptDomain, kept);
        disk[pg] = Arrays.copyOf(keptDisk, kept);
        fixed[pg] = mayMove ? 0 : kept;
    }

    private void proposeDomains() {
        for (int pg = 0; pg < domain.length; pg++) {
            while (domain[pg].length < replicas) {
                int best = bestDomain(pg);
                if (best == NONE) {
                    break;
                }
                int slot = domain[pg].length;
                domain[pg] = Arrays.copyOf(domain[pg], slot + 1);
                disk[pg] = Arrays.copyOf(disk[pg], slot + 1);
                domain[pg][slot] = best;
                disk[pg][slot] = NONE;
                domainCount[best]++;
                movableCount[best]++;
            }
        }
    }

    private int bestDomain(int pg) {
        int best = NONE;
        double bestScore = 0;
        for (int d = 0; d < domainCount.length; d++) {
            if (domainWeight[d] > 0 && !contains(domain[pg], domain[pg].length, d)) {
                double score = score(pg, domainHash[d], domainWeight[d]);
                if (score > bestScore) {
                    best = d;
                    bestScore = score;
                }
            }
        }
        return best;
    }

    private void balanceDomains() {
        int slots = 0;
        for (int d = 0; d < domainCount.length; d++) {
            slots += domainWeight[d] > 0 ? domainCount[d] : 0;
        }
        int[] target = apportion(slots, domain.length, domainWeight, domainCount);
        setDiskTargets(target);
        for (long step = 0; ; step++) {
            List<Integer> path = pathFromOverToUnder(target, step);
            if (path == null) {
                break;
            }
            for (int i = path.size() - 1; i > 0; i--) {
                moveDomain(path.get(i - 1), path.get(i), step);
            }
        }
        setDiskTargets(domainCount);
    }

    /// The shortest path over domains between which a PG can move, from one above its target to one
    /// below; null where there is none.
    private @Nullable List<Integer> pathFromOverToUnder(int[] target, long step) {
        int[] from = new int[target.length];
        Arrays.fill(from, NONE);
        ArrayDeque<Integer> open = new ArrayDeque<>();
        for (int d = 0; d < target.length; d++) {
            if (domainCount[d] > target[d] && movableCount[d] > 0) {
                from[d] = d;
                open.add(d);
            }
        }
        while (!open.isEmpty()) {
            int at = open.remove();
            for (int under = 0; under < 2; under++) {
                for (int to = 0; to < target.length; to++) {
                    boolean isUnder = domainCount[to] < target[to];
                    if (isUnder == (under == 0)
                            && from[to] == NONE
                            && domainWeight[to] > 0
                            && movablePg(at, to, step, false) != NONE) {
                        from[to] = at;
                        if (isUnder) {
                            return path(from, to);
                        }
                        open.add(to);
                    }
                }
            }
        }
        return null;
    }

    private static List<Integer> path(int[] from, int end) {
        ArrayList<Integer> path = new ArrayList<>();
        for (int at = end; ; at = from[at]) {
            path.addFirst(at);
            if (from[at] == at) {
                return path;
            }
        }
    }

    /// A PG with a slot in domain `x` that may move and none in `y`. The search starts at a place
    /// that depends on the pair, so that the moves spread over all PGs.
    ///
    /// @param fromOver only one whose disk in `x` is above its target, or not chosen yet
    private int movablePg(int x, int y, long step, boolean fromOver) {
        if (movableCount[x] == 0) {
            return NONE;
        }
        int start =
                (int)
                        Long.remainderUnsigned(
                                Prng.mix(domainHash[x] + 3 * domainHash[y] + step), domain.length);
        for (int i = 0; i < domain.length; i++) {
            int pg = (start + i) % domain.length;
            int slot = movableSlot(pg, x);
            if (slot != NONE
                    && !contains(domain[pg], domain[pg].length, y)
                    && (!fromOver || isOver(disk[pg][slot]))) {
                return pg;
            }
        }
        return NONE;
    }

    private boolean isOver(int index) {
        return index == NONE || diskCount[index] > diskTarget[index];
    }

    private int movableSlot(int pg, int x) {
        for (int slot = fixed[pg]; slot < domain[pg].length; slot++) {
            if (domain[pg][slot] == x) {
                return slot;
            }
        }
        return NONE;
    }

    private void moveDomain(int x, int y, long step) {
        int pg = movablePg(x, y, step, true);
        if (pg == NONE) {
            pg = movablePg(x, y, step, false);
        }
        int slot = movableSlot(pg, x);
        if (disk[pg][slot] != NONE) {
            diskCount[disk[pg][slot]]--;
        }
        domain[pg][slot] = y;
        disk[pg][slot] = NONE;
        domainCount[x]--;
        movableCount[x]--;
        domainCount[y]++;
        movableCount[y]++;
    }

    private void setDiskTargets(int[] domainSlots) {
        for (int d = 0; d < domainSlots.length; d++) {
            int[] here = disksOf[d];
            double[] weights = new double[here.length];
            int[] counts = new int[here.length];
            for (int i = 0; i < here.length; i++) {
                weights[i] = disks[here[i]].weight;
                counts[i] = diskCount[here[i]];
            }
            int[] shares = apportion(domainSlots[d], domain.length, weights, counts);
            for (int i = 0; i < here.length; i++) {
                diskTarget[here[i]] = shares[i];
            }
        }
    }

    /// Gives each slot without a disk to the one in its domain that hashing likes best among those
    /// below their target.
    private void proposeDisks() {
        for (int pg = 0; pg < domain.length; pg++) {
            for (int slot = 0; slot < domain[pg].length; slot++) {
                if (disk[pg][slot] == NONE) {
                    int best = bestDisk(pg, domain[pg][slot], true);
                    best = best != NONE ? best : bestDisk(pg, domain[pg][slot], false);
                    Check.that(best != NONE, "a disk with weight in the domain", pg, slot);
                    disk[pg][slot] = best;
                    diskCount[best]++;
                }
            }
        }
    }

    /// Whoever is above its target gives each PG that may move to one of its domain that is below.
    private void balanceDisks() {
        for (int pg = 0; pg < disk.length; pg++) {
            for (int slot = fixed[pg]; slot < disk[pg].length; slot++) {
                int at = disk[pg][slot];
                int to = isOver(at) ? bestDisk(pg, domainOf[at], true) : NONE;
                if (to != NONE) {
                    disk[pg][slot] = to;
                    diskCount[at]--;
                    diskCount[to]++;
                }
            }
        }
    }

    private int bestDisk(int pg, int inDomain, boolean onlyUnder) {
        int best = NONE;
        double bestScore = 0;
        for (int i : disksOf[inDomain]) {
            boolean eligible = disks[i].weight > 0 && (!onlyUnder || diskCount[i] < diskTarget[i]);
            if (eligible) {
                double score = score(pg, Prng.mix(disks[i].diskId), (double) disks[i].weight);
                if (score > bestScore) {
                    best = i;
                    bestScore = score;
                }
            }
        }
        return best;
    }

    /// Splits `total` by weight into whole numbers of at most `cap` each. Where a share is broken,
    /// those that have more than its whole part now keep one more first, which saves moves.
    static int[] apportion(int total, int cap, double[] weights, int[] current) {
        double[] share = shares(total, cap, weights);
        int[] result = new int[weights.length];
        ArrayList<Integer> order = new ArrayList<>();
        int rest = total;
        for (int i = 0; i < weights.length; i++) {
            result[i] = (int) share[i];
            rest -= result[i];
            if (weights[i] > 0 && result[i] < cap) {
                order.add(i);
            }
        }
        order.sort((a, b) -> {
            boolean aHasMore = current[a] > result[a];
            boolean bHasMore = current[b] > result[b];
            if (aHasMore != bHasMore) {
                return aHasMore ? -1 : 1;
            }
            int byFraction = Double.compare(share[b] - result[b], share[a] - result[a]);
            return byFraction != 0 ? byFraction : Integer.compare(a, b);
        });
        for (int i = 0; rest > 0 && i < order.size(); i++, rest--) {
            result[order.get(i)]++;
        }
        return result;
    }

    private static double[] shares(int total, int cap, double[] weights) {
        double[] share = new double[weights.length];
        boolean[] full = new boolean[weights.length];
        for (boolean again = true; again; ) {
            again = false;
            double weight = 0;
            double left = total;
            for (int i = 0; i < weights.length; i++) {
                weight += full[i] ? 0 : weights[i];
                left -= full[i] ? cap : 0;
            }
            for (int i = 0; i < weights.length; i++) {
                if (!full[i] && weights[i] > 0) {
                    share[i] = Math.max(0, left * weights[i] / weight);
                    if (share[i] >= cap) {
                        share[i] = cap;
                        full[i] = true;
                        again = true;
                    }
                }
            }
        }
        return share;
    }

    private int[][] result() {
        int[][] result = new int[disk.length][];
        for (int pg = 0; pg < disk.length; pg++) {
            result[pg] = new int[disk[pg].length];
            for (int slot = 0; slot < disk[pg].length; slot++) {
                result[pg][slot] = disks[disk[pg][slot]].diskId;
            }
        }
        return result;
    }

    private int indexOf(int diskId) {
        int low = 0;
        int high = disks.length - 1;
        while (low <= high) {
            int mid = (low + high) >>> 1;
            if (disks[mid].diskId == diskId) {
                return mid;
            }
            if (disks[mid].diskId < diskId) {
                low = mid + 1;
            } else {
                high = mid - 1;
            }
        }
        return NONE;
    }

    private static boolean contains(int[] values, int count, int value) {
        for (int i = 0; i < count; i++) {
            if (values[i] == value) {
                return true;
            }
        }
        return false;
    }

    /// Above 0; the candidate with the highest one wins, with a chance in proportion to its weight.
    private static double score(int pg, long hash, double weight) {
        long mixed = Prng.mix(Prng.mix(pg + 0x9E3779B97F4A7C15L) ^ hash);
        double uniform = ((mixed >>> 11) + 0.5) * 0x1p-53;
        return weight / -StrictMath.log(uniform);
    }

    /// FNV-1a (Fowler, Noll, Vo) over the characters, mixed.
    private static long hash(String name) {
        long hash = 0xcbf29ce484222325L;
        for (int i = 0; i < name.length(); i++) {
            hash = (hash ^ name.charAt(i)) * 0x100000001b3L;
        }
        return Prng.mix(hash);
    }
}
