package comet.sim.check;

import comet.base.Versions;
import comet.cluster.ClusterMap;
import comet.cluster.DiskInfo;
import comet.cluster.Incarnation;
import comet.cluster.MemberState;
import comet.cluster.PgConfig;
import comet.sim.check.ReplicaImage.Chunk;
import comet.sim.check.ReplicaImage.ChunkId;
import comet.wire.BlockState;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/// G7: when faults have stopped, all replicas of a PG are IN_SYNC and identical: the same chunks
/// with the same versions, the same blocks with the same versions and content, and nothing else.
/// And every disk keeps a copy of the newest map that its node knows.
public final class G7Convergence {
    private G7Convergence() {}

    /// Members that are not IN_SYNC, in words.
    public static List<String> notInSync(ClusterMap map) {
        List<String> found = new ArrayList<>();
        for (int pg = 0; pg < map.pgCount(); pg++) {
            for (PgConfig.Member member : map.pg(pg).members()) {
                if (member.state() != MemberState.IN_SYNC) {
                    found.add("pg " + pg + " epoch " + map.pg(pg).epoch() + " " + member);
                }
            }
        }
        return found;
    }

    /// @param lostAllowed a device failed in this run: of a block with the same version everywhere
    ///   a copy may be lost until somebody reads it, since versions alone are compared after a
    ///   restart
    public static @Nullable Violation check(
            ClusterMap map, SortedMap<Integer, ReplicaImage> disks, boolean lostAllowed) {
        List<String> late = notInSync(map);
        if (!late.isEmpty()) {
            return new Violation("G7", "not in sync: " + late);
        }
        for (ReplicaImage disk : disks.values()) {
            DiskInfo info = map.disk(disk.diskId);
            if (info != null && info.state() == DiskInfo.State.REMOVED) {
                // It serves no more and hears of nothing.
                continue;
            }
            if (disk.mapRevision != disk.knownRevision) {
                String what = " keeps the map of revision " + disk.mapRevision;
                return new Violation(
                        "G7", "disk " + disk.diskId + what + " of " + disk.knownRevision);
            }
            for (Map.Entry<ChunkId, Chunk> entry : disk.chunks.entrySet()) {
                Chunk chunk = entry.getValue();
                if (map.pg(chunk.pg).member(disk.diskId) == null) {
                    return found(disk.diskId, entry.getKey(), "which is no member of its PG");
                }
                // What a group that was lost knew of volumes, and nobody else, is not told again.
                long volumeId = entry.getKey().volumeId();
                boolean forgotten = Incarnation.of(volumeId) < Incarnation.of(map.revision());
                if (map.volume(volumeId) == null && !forgotten) {
                    return found(disk.diskId, entry.getKey(), "of a volume that is gone");
                }
            }
        }
        for (int pg = 0; pg < map.pgCount(); pg++) {
            List<PgConfig.Member> members = map.pg(pg).members();
            for (int m = 1; m < members.size(); m++) {
                ReplicaImage a = disks.get(members.getFirst().diskId());
                ReplicaImage b = disks.get(members.get(m).diskId());
                Violation different =
                        a == null || b == null ? null : compare(pg, a, b, lostAllowed);
                if (different != null) {
                    return different;
                }
            }
        }
        return null;
    }

    private static Violation found(int diskId, ChunkId chunk, String what) {
        return new Violation("G7", "disk " + diskId + " holds " + chunk + ", " + what);
    }

    private static @Nullable Violation compare(
            int pg, ReplicaImage a, ReplicaImage b, boolean lostAllowed) {
        TreeSet<ChunkId> ids = new TreeSet<>(a.chunks.keySet());
        ids.addAll(b.chunks.keySet());
        for (ChunkId id : ids) {
            Chunk one = a.chunks.get(id);
            Chunk two = b.chunks.get(id);
            if ((one != null && one.pg != pg) || (two != null && two.pg != pg)) {
                continue;
            }
            if (one == null || two == null) {
                int has = one == null ? b.diskId : a.diskId;
                int lacks = one == null ? a.diskId : b.diskId;
                return found(has, id, "which disk " + lacks + " lacks");
            }
            if (one.version != two.version) {
                return found(
                        a.diskId,
                        id,
                        Versions.text(one.version)
                                + ", disk "
                                + b.diskId
                                + " "
                                + Versions.text(two.version));
            }
            for (int block = 0; block < one.states.length; block++) {
                boolean same =
                        one.states[block] == two.states[block]
                                && one.versions[block] == two.versions[block]
                                && one.crcs[block] == two.crcs[block];
                boolean lost =
                        lostAllowed
                                && one.versions[block] == two.versions[block]
                                && (one.states[block] == BlockState.LOST
                                        || two.states[block] == BlockState.LOST);
                if (!same && !lost) {
                    return found(
                            a.diskId,
                            id,
                            "block "
                                    + block
                                    + " "
                                    + text(one, block)
                                    + ", disk "
                                    + b.diskId
                                    + " "
                                    + text(two, block));
                }
            }
        }
        return null;
    }

    private static String text(Chunk chunk, int block) {
        return "state "
                + chunk.states[block]
                + " version "
                + Versions.text(chunk.versions[block])
                + " crc "
                + Integer.toHexString(chunk.crcs[block]);
    }
}
