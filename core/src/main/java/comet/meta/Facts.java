package comet.meta;

import comet.cluster.DiskLife;
import java.util.List;

/// A snapshot of the leader's view, fit to stand in a log entry.
///
/// @param leaderIsNew whether whoever is not listed is UNKNOWN instead of DEAD
/// @param gateways alive
/// @param disks alive, each in the life that its heartbeats name
/// @param ended disks whose lives with boot ids below this one are known to have ended
public record Facts(
        boolean leaderIsNew, List<Long> gateways, List<DiskLife> disks, List<DiskLife> ended)
        implements Liveness {

    /// What commands that do not ask for liveness are decided with.
    public static final Facts NONE = new Facts(true, List.of(), List.of(), List.of());

    public Facts {
        gateways = List.copyOf(gateways);
        disks = List.copyOf(disks);
        ended = List.copyOf(ended);
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
