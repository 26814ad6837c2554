package comet.sim.check;

import comet.cluster.MapUpdate;
import comet.cluster.MemberState;
import comet.cluster.PgConfig;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// G3: a replica answers a client's read only in an epoch in which the group has it as IN_SYNC, in
/// the boot that the epoch names. (That the bytes are not old is for [G1Linearizable].)
public final class G3NothingStale {
    private record Asked(int pg, long volumeId, int chunkIndex) {}

    /// Configurations by (PG, epoch).
    private final TreeMap<Long, PgConfig> configs = new TreeMap<>();

    private final TreeMap<Long, Asked> asked = new TreeMap<>();
    private final List<Violation> violations = new ArrayList<>();
    private long answers;

    private static long key(int pg, long epoch) {
        return (long) pg << 40 | epoch;
    }

    /// The group has decided.
    public void onUpdate(MapUpdate update) {
        for (PgConfig pg : update.pgs()) {
            configs.put(key(pg.pg(), pg.epoch()), pg);
        }
    }

    /// A client's READ reaches a node. `request` names connection and request.
    public void onRead(long request, int pg, long volumeId, int chunkIndex) {
        asked.put(request, new Asked(pg, volumeId, chunkIndex));
    }

    /// A disk sends blocks as the answer.
    ///
    /// @param bootId the boot under which the connection greeted
    public void onAnswer(long request, int diskId, long bootId, long epoch) {
        Asked read = asked.remove(request);
        if (read == null) {
            return;
        }
        answers++;
        PgConfig config = configs.get(key(read.pg, epoch));
        PgConfig.Member member = config == null ? null : config.member(diskId);
        if (member == null || member.state() != MemberState.IN_SYNC || member.bootId() != bootId) {
            violations.add(
                    new Violation(
                            "G3",
                            "disk "
                                    + diskId
                                    + " in boot "
                                    + bootId
                                    + " served "
                                    + read
                                    + " in epoch "
                                    + epoch
                                    + ", where the group has "
                                    + (member == null ? config : member)));
        }
    }

    public long answers() {
        return answers;
    }

    public @Nullable Violation check() {
        return violations.isEmpty() ? null : violations.getFirst();
    }
}
