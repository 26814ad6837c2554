package comet.sim.check;

import comet.cluster.MapUpdate;
import comet.cluster.MemberState;
import comet.cluster.PgConfig;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// G3: a replica answers a client's read only in an epoch in which the group has it as IN_SYNC, in
/// the boot that the epoch names. (That the bytes are not old is for [G1Linearizable].)
public final class G3NothingStale {
    private record Asked(int pg, long volumeId, int chunkIndex) {}

    private record Epoch(int pg, long epoch) {}

    private final Map<Epoch, PgConfig> configs = new HashMap<>();

    private final TreeMap<Long, Asked> asked = new TreeMap<>();
    private final List<Violation> violations = new ArrayList<>();
    private long answers;

    /// The group has decided.
    public void onUpdate(MapUpdate update) {
        for (PgConfig pg : update.pgs()) {
            configs.put(new Epoch(pg.pg(), pg.epoch()), pg);
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
        PgConfig config = configs.get(new Epoch(read.pg, epoch));
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
