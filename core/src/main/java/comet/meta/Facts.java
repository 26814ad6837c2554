package comet.meta;

import comet.cluster.DiskLife;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// A snapshot of the leader's view, fit to stand in a log entry.
///
/// @param timeMs its wall clock, for people only
/// @param leader its name
/// @param leaderIsNew whether whoever is not listed is UNKNOWN instead of DEAD
/// @param gateways alive
/// @param disks alive, each in the life that its heartbeats name
/// @param ended disks whose lives with boot ids below this one are known to have ended
public record Facts(
        boolean leaderIsNew,
        List<Long> gateways,
        List<DiskLife> disks,
        List<DiskLife> ended,
        long timeMs,
        String leader)
        implements Liveness {

    /// What commands that do not ask for liveness are decided with.
    public static final Facts NONE = new Facts(true, List.of(), List.of(), List.of());

    public Facts {
        gateways = List.copyOf(gateways);
        disks = List.copyOf(disks);
        ended = List.copyOf(ended);
        leader = absent(leader) ? "" : leader;
    }

    /// Of an entry from before that was told.
    private static boolean absent(@Nullable Object field) {
        return field == null;
    }

    /// One without time and name.
    public Facts(
            boolean leaderIsNew, List<Long> gateways, List<DiskLife> disks, List<DiskLife> ended) {
        this(leaderIsNew, gateways, disks, ended, 0, "");
    }

    /// The same, of that leader at that time.
    public Facts of(String newLeader, long newTimeMs) {
        return new Facts(leaderIsNew, gateways, disks, ended, newTimeMs, newLeader);
    }

    @Override
    public State gateway(long gatewayId) {
        return gateways.contains(gatewayId) ? State.ALIVE : absent();
    }

    @Override
    public State disk(int diskId, long bootId) {
        for (DiskLife life : ended) {
            if (life.diskId() == diskId && bootId < life.bootId()) {
                return State.DEAD;
            }
        }
        for (DiskLife life : disks) {
            if (life.diskId() == diskId) {
                if (life.bootId() == bootId) {
                    return State.ALIVE;
                }
                // A life newer than the one heard of has been registered, but not heard of yet.
                return life.bootId() > bootId ? State.DEAD : State.UNKNOWN;
            }
        }
        return absent();
    }

    private State absent() {
        return leaderIsNew ? State.UNKNOWN : State.DEAD;
    }
}
