package comet.server.admin;

import comet.base.Sizes;
import comet.cluster.ClusterMap;
import comet.cluster.Command;
import comet.cluster.DiskInfo;
import comet.cluster.MemberState;
import comet.cluster.NodeInfo;
import comet.cluster.PgConfig;
import comet.cluster.PgHash;
import comet.cluster.VolumeInfo;
import comet.meta.GroupEvent;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/// What only helps by force, and what it costs: told first, as far as anybody can know, and done
/// only where the operator has accepted that data is lost.
final class Forcing {
    /// Chunks whose placement is looked at, at most: then the rest of the volumes is only named.
    private static final long CHUNKS_MAX = 4_000_000;

    private final GroupAccess group;

    Forcing(GroupAccess group) {
        this.group = group;
    }

    /// @param state its part in the group
    /// @param aliveNow whether it was heard of
    /// @param leftBehindAtMs when others went on without it, wall clock; 0 where that is not known
    record CopyView(
            int disk,
            String node,
            String domain,
            String state,
            boolean aliveNow,
            long leftBehindAtMs) {}

    /// @param chunks of the volume that lie in the group at most; -1: not counted
    /// @param of chunks that it has
    record VolumeView(String name, long chunks, long of) {}

    /// @param needed no copy in sync lives
    /// @param goesOnFrom the disk whose old copy would be trusted; 0: none lives
    record PgLossView(
            int pg,
            boolean needed,
            int goesOnFrom,
            List<CopyView> copies,
            List<VolumeView> volumes) {}

    PgLossView plan(int pg) {
        GroupStatus status = group.status();
        List<GroupEvent> events = group.events(0);
        return group.read(map -> plan(map, status, events, pg));
    }

    private static PgLossView plan(
            ClusterMap map, GroupStatus status, List<GroupEvent> events, int pg) {
        if (pg < 0 || pg >= map.pgCount()) {
            throw AdminException.missing("unknown-pg", "there is no placement group " + pg);
        }
        PgConfig config = map.pg(pg);
        List<CopyView> copies = new ArrayList<>();
        boolean needed = true;
        for (PgConfig.Member member : config.members()) {
            DiskInfo disk = map.disk(member.diskId());
            NodeInfo node = disk == null ? null : map.node(disk.nodeId());
            boolean inSync = member.state() == MemberState.IN_SYNC;
            boolean lives = lives(disk, status);
            needed &= !(inSync && lives);
            copies.add(
                    new CopyView(
                            member.diskId(),
                            node == null ? "" : node.name(),
                            disk == null ? "" : disk.domain(),
                            member.state().name().toLowerCase(Locale.ROOT).replace('_', '-'),
                            lives,
                            inSync ? 0 : leftBehindAt(events, member.diskId())));
        }
        BitSet one = new BitSet();
        one.set(pg);
        return new PgLossView(
                pg, needed, goesOnFrom(map, status, config), copies, volumes(map, one));
    }

    private static boolean lives(@Nullable DiskInfo disk, GroupStatus status) {
        return disk != null && status.diskAlive(disk.diskId(), disk.bootId());
    }

    /// The disk with the old copy that the group would take, or 0: one that is being brought up to
    /// date before one that is not, and one that a move has only begun to fill last.
    private static int goesOnFrom(ClusterMap map, GroupStatus status, PgConfig config) {
        int from = 0;
        int best = 0;
        for (PgConfig.Member member : config.members()) {
            DiskInfo disk = map.disk(member.diskId());
            boolean recovers = member.state() == MemberState.RECOVERING;
            int rank = config.joins(member.diskId()) ? 1 : recovers ? 3 : 2;
            boolean old = member.state() != MemberState.IN_SYNC;
            if (old && disk != null && disk.counts() && lives(disk, status) && rank > best) {
                from = member.diskId();
                best = rank;
            }
        }
        return from;
    }

    private static long leftBehindAt(List<GroupEvent> events, int diskId) {
        long at = 0;
        for (GroupEvent event : events) {
            boolean left = event.diskId() == diskId && event.code().equals("disk-left-behind");
            at = left ? event.timeMs() : at;
        }
        return at;
    }

    /// Which volumes have chunks in these groups: which of them were ever written only the lost
    /// disks know.
    private static List<VolumeView> volumes(ClusterMap map, BitSet pgs) {
        List<VolumeView> found = new ArrayList<>();
        long left = CHUNKS_MAX;
        for (VolumeInfo volume : map.volumes()) {
            long chunks = (volume.sizeBytes() + Sizes.CHUNK_BYTES - 1) / Sizes.CHUNK_BYTES;
            left -= chunks;
            long here = left < 0 ? -1 : 0;
            for (int chunk = 0; here >= 0 && chunk < chunks; chunk++) {
                here += pgs.get(PgHash.of(volume.volumeId(), chunk, map.pgCount())) ? 1 : 0;
            }
            if (here != 0) {
                found.add(new VolumeView(volume.name(), here, chunks));
            }
        }
        return found;
    }

    /// @param withoutCopy those of them that not even an old copy lives of
    /// @param volumes with chunks in them
    record StuckView(List<Integer> pgs, List<Integer> withoutCopy, List<VolumeView> volumes) {}

    /// Placement groups that a disk is a member of and that no copy in sync lives of.
    StuckView stuck(int diskId) {
        GroupStatus status = group.status();
        return group.read(map -> {
            if (map.disk(diskId) == null) {
                throw AdminException.missing(
                        "unknown-disk",
                        "there is no disk %d; see `comet disk list`".formatted(diskId));
            }
            BitSet found = new BitSet();
            List<Integer> withoutCopy = new ArrayList<>();
            for (int pg = 0; pg < map.pgCount(); pg++) {
                PgConfig config = map.pg(pg);
                boolean lives = config.members().isEmpty();
                for (PgConfig.Member member : config.members()) {
                    lives |=
                            member.state() == MemberState.IN_SYNC
                                    && status.diskAlive(member.diskId(), member.bootId());
                }
                if (!lives && config.member(diskId) != null) {
                    found.set(pg);
                    if (goesOnFrom(map, status, config) == 0) {
                        withoutCopy.add(pg);
                    }
                }
            }
            List<VolumeView> volumes = found.isEmpty() ? List.of() : volumes(map, found);
            return new StuckView(found.stream().boxed().toList(), withoutCopy, volumes);
        });
    }

    /// @param accepted the operator's word
    void force(List<Integer> pgs, @Nullable Boolean empty, @Nullable Boolean accepted) {
        accept(accepted);
        boolean allowEmpty = empty != null && empty;
        if (allowEmpty) {
            checkEmptyHelps(pgs);
        }
        group.submit(new Command.ForceAvailable(pgs, allowEmpty));
    }

    /// Who asks for nothing must not get an old copy instead.
    private void checkEmptyHelps(List<Integer> pgs) {
        GroupStatus status = group.status();
        boolean copies =
                group.read(map -> {
                    for (int pg : pgs) {
                        boolean known = pg >= 0 && pg < map.pgCount();
                        if (!known || goesOnFrom(map, status, map.pg(pg)) == 0) {
                            return false;
                        }
                    }
                    return true;
                });
        if (copies) {
            throw AdminException.conflict(
                    "old-copy-lives",
                    "nothing was done: an old copy lives, from which it goes on; ask without --empty for that");
        }
    }

    /// The disk may start although durable records of its journal are damaged.
    void forceDisk(int diskId, @Nullable Boolean accepted) {
        accept(accepted);
        group.submit(new Command.AcceptDataLoss(diskId));
    }

    private static void accept(@Nullable Boolean accepted) {
        if (accepted == null || !accepted) {
            throw AdminException.conflict(
                    "data-loss-not-accepted",
                    "acknowledged writes would be lost: nothing was done without `acceptDataLoss`");
        }
    }
}
