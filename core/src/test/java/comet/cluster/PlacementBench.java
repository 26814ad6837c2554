package comet.cluster;

import comet.cluster.Placement.Candidate;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;

/// How even placement is, what moves when disks join and leave, and how long a plan takes: run by
/// `bench/placement [DISKS [PGS [DOMAINS]]]`.
final class PlacementBench {
    private static final int REPLICAS = 2;

    private final List<Candidate> disks = new ArrayList<>();
    private int[][] current;

    private PlacementBench(int pgs) {
        current = new int[pgs][0];
    }

    public static void main(String[] args) {
        int count = args.length > 0 ? Integer.parseInt(args[0]) : 10_000;
        int pgs = args.length > 1 ? Integer.parseInt(args[1]) : 131_072;
        int domains = args.length > 2 ? Integer.parseInt(args[2]) : 100;
        PlacementBench bench = new PlacementBench(pgs);
        for (int n = 0; n < count; n++) {
            bench.join(n + 1, n % domains, 1000);
        }
        System.out.printf(
                "%,d disks in %d domains, %,d placement groups, %d copies%n",
                count, domains, pgs, REPLICAS);
        bench.plan("all at once");
        bench.plan("again, nothing has changed");
        bench.join(count + 1, 0, 1000);
        bench.plan("one disk joins");
        bench.disks.removeIf(disk -> disk.diskId() == 17);
        bench.plan("one disk leaves");
        for (int n = 0; n < count / 10; n++) {
            bench.join(count + 2 + n, n % domains, 1000);
        }
        bench.plan("a tenth more disks join");
        bench.disks.removeIf(disk -> disk.domain().equals("room-1"));
        bench.plan("a domain leaves");
        bench.join(2 * count, domains + 1, count / domains * 1000L);
        bench.plan("a domain joins");
        for (int n = 0; n < bench.disks.size(); n += 2) {
            Candidate disk = bench.disks.get(n);
            bench.disks.set(n, new Candidate(disk.diskId(), disk.domain(), 2 * disk.weight()));
        }
        bench.plan("half of the disks count twice");
    }

    private void join(int diskId, int domain, long weight) {
        disks.add(new Candidate(diskId, "room-" + domain, weight));
    }

    private void plan(String what) {
        long startNs = System.nanoTime();
        int[][] planned = Placement.plan(REPLICAS, disks, current, true);
        double seconds = (System.nanoTime() - startNs) / 1e9;
        System.out.printf(
                "%-30s %6.2f s, %,7d copies move, %,7d would do; above the fair share at most %.1f%%%n",
                what, seconds, moved(current, planned), ideal(planned), 100 * excess(planned));
        current = planned;
    }

    private static int moved(int[][] before, int[][] after) {
        int moved = 0;
        for (int pg = 0; pg < after.length; pg++) {
            for (int disk : after[pg]) {
                boolean stayed = false;
                for (int old : before[pg]) {
                    stayed |= old == disk;
                }
                moved += stayed ? 0 : 1;
            }
        }
        return moved;
    }

    private static TreeMap<Integer, Integer> counts(int[][] members) {
        TreeMap<Integer, Integer> counts = new TreeMap<>();
        for (int[] pg : members) {
            for (int disk : pg) {
                counts.merge(disk, 1, Integer::sum);
            }
        }
        return counts;
    }

    /// What disks gained: nothing that moves less ends so.
    private int ideal(int[][] planned) {
        TreeMap<Integer, Integer> before = counts(current);
        int gained = 0;
        for (var entry : counts(planned).entrySet()) {
            gained += Math.max(0, entry.getValue() - before.getOrDefault(entry.getKey(), 0));
        }
        return gained;
    }

    /// By how much the fullest disk is above its share of all, rounded up to a whole group.
    private double excess(int[][] planned) {
        double weight = disks.stream().mapToLong(Candidate::weight).sum();
        TreeMap<Integer, Integer> counts = counts(planned);
        double most = 0;
        for (Candidate disk : disks) {
            double share = REPLICAS * (double) planned.length * disk.weight() / weight;
            most = Math.max(most, counts.getOrDefault(disk.diskId(), 0) / Math.ceil(share) - 1);
        }
        return most;
    }
}
