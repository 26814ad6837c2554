package comet.meta;

import comet.base.Check;
import comet.cluster.DiskFacts;
import comet.cluster.DiskInfo;
import comet.cluster.Incarnation;
import comet.cluster.MapUpdate;
import comet.cluster.MemberState;
import comet.cluster.PgConfig;
import comet.cluster.PgConfig.Member;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// Placement groups and disks of a group that is made anew, see [Remake].
///
/// A disk writes a configuration down before it acts as a member in sync of it. So where all that
/// are IN_SYNC in the highest known configuration of a placement group were looked at, nobody has
/// acted in a later one, and they hold all that was acknowledged. Where one was not looked at, that
/// one may have gone on alone: it alone is IN_SYNC then, the others have to recover from it, and as
/// long as it is away the placement group waits for it. Where two were not, nobody knows which; nor
/// where one was not that was RECOVERING: it may have been promoted, and gone on alone, since.
final class RemakePgs {
    private final MapUpdate base;
    private final TreeMap<Integer, DiskFacts> facts;
    private final long incarnation;
    private final List<PgConfig> pgs = new ArrayList<>();
    private final List<DiskInfo> disks = new ArrayList<>();
    private final TreeMap<Integer, List<Integer>> waiting = new TreeMap<>();
    private final List<Integer> untrusted = new ArrayList<>();
    private final List<String> remarks = new ArrayList<>();
    private int later;

    /// @param facts of the disks that can be relied upon
    RemakePgs(MapUpdate base, TreeMap<Integer, DiskFacts> facts, long incarnation) {
        this.base = base;
        this.facts = facts;
        this.incarnation = incarnation;
    }

    List<PgConfig> pgs() {
        return pgs;
    }

    List<DiskInfo> disks() {
        return disks;
    }

    TreeMap<Integer, List<Integer>> waiting() {
        return waiting;
    }

    List<Integer> untrusted() {
        return untrusted;
    }

    List<String> remarks() {
        return remarks;
    }

    int later() {
        return later;
    }

    static @Nullable DiskInfo disk(MapUpdate map, int diskId) {
        for (DiskInfo disk : map.disks()) {
            if (disk.diskId() == diskId) {
                return disk;
            }
        }
        return null;
    }

    /// @param all that were looked at, also those that cannot be relied upon: what they know is
    ///   true, and may not be everything
    /// @return why nothing can be made, or null
    @Nullable String make(List<DiskFacts> all) {
        TreeMap<Integer, PgConfig> newest = new TreeMap<>();
        for (PgConfig pg : base.pgs()) {
            newest.put(pg.pg(), pg);
        }
        for (DiskFacts disk : all) {
            for (PgConfig pg : disk.parts()) {
                PgConfig known = newest.get(pg.pg());
                if (known != null && pg.epoch() > known.epoch()) {
                    newest.put(pg.pg(), pg);
                }
            }
        }
        for (PgConfig pg : base.pgs()) {
            PgConfig config = known(newest.getOrDefault(pg.pg(), pg), all);
            later += config.epoch() > pg.epoch() ? 1 : 0;
            String unknown = make(config);
            if (unknown != null) {
                return unknown;
            }
        }
        for (DiskInfo disk : base.disks()) {
            disks.add(alive(disk));
        }
        return null;
    }

    /// The newest configuration that somebody may have acted in. One that an earlier attempt has
    /// made without looking at whom it took for in sync counts for nothing where all of those know
    /// better: they refuse to serve in it, and nobody else can. What was before it counts.
    private PgConfig known(PgConfig newest, List<DiskFacts> all) {
        PgConfig known = newest;
        while (isRefused(known)) {
            remarks.add(
                    "placement group "
                            + known.pg()
                            + " goes on from before the recovery that took for in sync who was not");
            known = before(known, all);
        }
        return known;
    }

    /// The newest before the incarnation of that one. Whoever knows better has written one down.
    private static PgConfig before(PgConfig refused, List<DiskFacts> all) {
        PgConfig before = null;
        for (DiskFacts disk : all) {
            for (PgConfig pg : disk.parts()) {
                boolean older = Incarnation.of(pg.epoch()) < Incarnation.of(refused.epoch());
                boolean newer = before == null || pg.epoch() > before.epoch();
                before = pg.pg() == refused.pg() && older && newer ? pg : before;
            }
        }
        if (before == null) {
            throw Check.failed("nothing before " + refused);
        }
        return before;
    }

    private boolean isRefused(PgConfig config) {
        boolean refused = false;
        if (Incarnation.of(config.epoch()) == 0) {
            return false;
        }
        for (Member member : config.members()) {
            if (member.state() == MemberState.IN_SYNC) {
                PgConfig noted = noted(config.pg(), member.diskId());
                if (noted == null || !noted.isForgottenBy(config, member.diskId())) {
                    return false;
                }
                refused = true;
            }
        }
        return refused;
    }

    /// What the disk has written down of it, where it was looked at.
    private @Nullable PgConfig noted(int pg, int diskId) {
        DiskFacts disk = facts.get(diskId);
        if (disk != null) {
            for (PgConfig part : disk.parts()) {
                if (part.pg() == pg) {
                    return part;
                }
            }
        }
        return null;
    }

    /// Its folder may know of more starts than the map, and of a later life; so may others' books.
    private DiskInfo alive(DiskInfo disk) {
        DiskFacts known = facts.get(disk.diskId());
        long bootId = Math.max(disk.bootId(), known == null ? 0 : known.bootId());
        boolean empty = true;
        for (PgConfig pg : pgs) {
            Member member = pg.member(disk.diskId());
            empty &= member == null;
            bootId = Math.max(bootId, member == null ? 0 : member.bootId());
        }
        long starts = Math.max(disk.startCount(), known == null ? 0 : known.startCount());
        return new DiskInfo(
                disk.diskId(),
                disk.uuidHigh(),
                disk.uuidLow(),
                disk.nodeId(),
                disk.domain(),
                disk.weight(),
                bootId,
                Math.max(starts, bootId),
                // Its last placement group has left it after the copy was made.
                empty && disk.state() == DiskInfo.State.REMOVING
                        ? DiskInfo.State.REMOVED
                        : disk.state());
    }

    private @Nullable String make(PgConfig config) {
        List<Member> members = new ArrayList<>();
        for (Member member : config.members()) {
            if (disk(base, member.diskId()) != null) {
                members.add(member);
            } else if (member.state() == MemberState.IN_SYNC && config.inSyncCount() == 1) {
                return "disk "
                        + member.diskId()
                        + " holds the only copy of placement group "
                        + config.pg()
                        + ", and no copy of the map knows it: a newer one is needed";
            } else {
                remarks.add(
                        "disk "
                                + member.diskId()
                                + " is not in the map yet: it leaves placement group "
                                + config.pg());
            }
        }
        List<Member> trusted = trust(config.pg(), members);
        PgConfig.Move move = config.move();
        boolean moves =
                move != null
                        && has(trusted, move.to())
                        && (move.from() == 0 || has(trusted, move.from()));
        long epoch = Incarnation.first(incarnation, config.epoch());
        pgs.add(new PgConfig(config.pg(), epoch, trusted, moves ? move : null));
        return null;
    }

    private static boolean has(List<Member> members, int diskId) {
        return members.stream().anyMatch(member -> member.diskId() == diskId);
    }

    private List<Member> trust(int pg, List<Member> members) {
        List<Integer> missing = new ArrayList<>();
        boolean perhapsPromoted = false;
        for (Member member : members) {
            boolean looked = facts.containsKey(member.diskId());
            if (member.state() == MemberState.IN_SYNC && !looked) {
                missing.add(member.diskId());
            }
            perhapsPromoted |= member.state() == MemberState.RECOVERING && !looked;
        }
        if (missing.isEmpty() && !perhapsPromoted) {
            return ended(members);
        }
        if (missing.size() > 1 || perhapsPromoted) {
            missing.clear();
            untrusted.add(pg);
        } else {
            waiting.computeIfAbsent(missing.getFirst(), _ -> new ArrayList<>()).add(pg);
        }
        List<Member> trusted = new ArrayList<>();
        for (Member member : members) {
            boolean waitedFor = missing.size() == 1 && member.diskId() == missing.getFirst();
            trusted.add(
                    waitedFor
                            ? member
                            : new Member(member.diskId(), member.bootId(), MemberState.STALE));
        }
        return trusted;
    }

    /// A disk may have begun a life that no configuration names yet: it has served in none of its
    /// epochs, and what ended the life before may have cost it writes that were not synced. It
    /// recovers where another one goes on in the life that it had, as at any start.
    private List<Member> ended(List<Member> members) {
        boolean some = false;
        for (Member member : members) {
            some |= member.state() == MemberState.IN_SYNC && bootId(member) == member.bootId();
        }
        List<Member> after = new ArrayList<>();
        for (Member member : members) {
            long bootId = bootId(member);
            boolean recovers = member.state() == MemberState.IN_SYNC && bootId != member.bootId();
            after.add(
                    new Member(
                            member.diskId(),
                            bootId,
                            recovers && some ? MemberState.RECOVERING : member.state()));
        }
        return after;
    }

    private long bootId(Member member) {
        DiskFacts known = facts.get(member.diskId());
        return known == null ? member.bootId() : Math.max(member.bootId(), known.bootId());
    }
}
