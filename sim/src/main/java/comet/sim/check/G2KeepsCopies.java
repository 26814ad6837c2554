package comet.sim.check;

import comet.cluster.ClusterMap;
import comet.cluster.MapUpdate;
import comet.cluster.MemberState;
import comet.cluster.PgConfig;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/// Part of G2: whatever operators change, a copy that is in sync is given up only where as many
/// others are in sync as configured (or as the group has members), and a disk deletes no chunk of a
/// group in which it is in sync; and a disk is left behind only where another copy lives that is in
/// sync. (That a write survives the loss of a domain is for [G1Linearizable].)
public final class G2KeepsCopies {
    private final int replicas;
    private final TreeMap<Integer, PgConfig> configs = new TreeMap<>();
    private final TreeMap<Integer, String> domains = new TreeMap<>();
    private final List<Violation> violations = new ArrayList<>();
    private final TreeMap<Integer, TreeSet<Integer>> stale = new TreeMap<>();
    private final TreeMap<String, Integer> reached = new TreeMap<>();
    private boolean hasData;

    public G2KeepsCopies(int replicas) {
        this.replicas = replicas;
    }

    /// The group has decided.
    public void onUpdate(MapUpdate update) {
        update.disks().forEach(disk -> domains.put(disk.diskId(), disk.domain()));
        for (PgConfig pg : update.pgs()) {
            PgConfig before = configs.put(pg.pg(), pg);
            // As long as no volume was ever created groups are placed anew as a whole.
            if (before != null && update.cluster() == null && hasData) {
                check(before, pg);
                count(before, pg);
            }
        }
        hasData |= !update.volumes().isEmpty();
    }

    /// What the runs reach, by names.
    public TreeMap<String, Integer> reached() {
        return reached;
    }

    private void count(PgConfig before, PgConfig after) {
        PgConfig.Move was = before.move();
        PgConfig.Move is = after.move();
        if (was == null && is != null) {
            PgConfig.Member leaving = before.member(is.from());
            boolean lost = leaving != null && leaving.state() == MemberState.STALE;
            reached.merge(lost ? "rebuild-began" : "move-began", 1, Integer::sum);
        } else if (was != null && is == null) {
            boolean joined = after.member(was.to()) != null;
            reached.merge(joined ? "move-ended" : "move-taken-back", 1, Integer::sum);
        } else if (was != null && !was.equals(is)) {
            reached.merge("move-redirected", 1, Integer::sum);
        }
    }

    private void check(PgConfig before, PgConfig after) {
        for (PgConfig.Member member : before.members()) {
            boolean givenUp =
                    member.state() == MemberState.IN_SYNC && after.member(member.diskId()) == null;
            int wanted = Math.min(replicas, before.members().size() - 1);
            if (givenUp && after.inSyncCount() < wanted && !sameDomainStays(before, after)) {
                violations.add(
                        new Violation(
                                "G2",
                                "a copy in sync was given up: " + before + " became " + after));
            }
        }
    }

    /// One disk took the place of another one in its domain while a third was lost for good: no
    /// domain has fewer copies than before the move began.
    private boolean sameDomainStays(PgConfig before, PgConfig after) {
        PgConfig.Move move = before.move();
        PgConfig.Member joined = move == null ? null : after.member(move.to());
        return move != null
                && joined != null
                && joined.state() == MemberState.IN_SYNC
                && String.valueOf(domains.get(move.from())).equals(domains.get(move.to()));
    }

    /// The group has decided: nobody that lives was left behind for nobody.
    ///
    /// @param mayLive whether the group can think that a disk lives
    public void onConfiguration(PgConfig pg, IntPredicate mayLive) {
        TreeSet<Integer> before = stale.computeIfAbsent(pg.pg(), _ -> new TreeSet<>());
        boolean some = false;
        boolean left = false;
        TreeSet<Integer> now = new TreeSet<>();
        for (PgConfig.Member member : pg.members()) {
            some |= member.state() == MemberState.IN_SYNC && mayLive.test(member.diskId());
            if (member.state() == MemberState.STALE) {
                now.add(member.diskId());
                left |= !before.contains(member.diskId());
            }
        }
        stale.put(pg.pg(), now);
        if (left && !some) {
            violations.add(new Violation("G2", "the last copy was left behind: " + pg));
        }
    }

    /// A disk deletes a chunk.
    public void onDrop(int diskId, long volumeId, int chunkIndex, int pg, ClusterMap truth) {
        PgConfig.Member member = truth.pg(pg).member(diskId);
        if (member != null
                && member.state() == MemberState.IN_SYNC
                && truth.volume(volumeId) != null) {
            violations.add(
                    new Violation(
                            "G2",
                            "disk "
                                    + diskId
                                    + " deletes chunk "
                                    + chunkIndex
                                    + " of volume "
                                    + volumeId
                                    + ", of which it is a copy: "
                                    + truth.pg(pg)));
        }
    }

    public @Nullable Violation check() {
        return violations.isEmpty() ? null : violations.getFirst();
    }
}
