package comet.volume;

import comet.cluster.DiskInfo;
import comet.cluster.DiskLife;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;

/// Tells the metadata group which disks owe this gateway answers for too long, or are slow. The
/// group goes on without them where its leader does not reach them either; where it does, the fault
/// is here.
final class SilentDisks {
    /// The I/O deadline: an answer may stay out for so long.
    static final long DEADLINE_NS = 3 * GatewayConfig.SECOND_NS;

    /// A disk may be out of reach for so long: several calls were in vain by then, and whoever does
    /// not even take a call need not be waited for as long as one who is slow.
    static final long DOWN_NS = GatewayConfig.SECOND_NS;

    private final Gateway gateway;

    SilentDisks(Gateway gateway) {
        this.gateway = gateway;
    }

    /// @param slow to be reported as well
    void tick(Collection<DiskPeer> peers, List<DiskLife> slow) {
        long nowNs = gateway.loop().nowNs();
        List<DiskLife> silent = new ArrayList<>();
        for (DiskPeer peer : peers) {
            DiskInfo disk = gateway.map().disk(peer.diskId());
            if (disk != null && peer.isSilent(nowNs)) {
                silent.add(new DiskLife(disk.diskId(), disk.bootId()));
            } else {
                peer.reachedByOthers(false);
            }
        }
        if (!silent.isEmpty() || !slow.isEmpty()) {
            gateway.meta()
                    .report(
                            gateway.gatewayId(),
                            silent,
                            List.copyOf(slow),
                            reached -> heard(peers, reached));
        }
    }

    private static void heard(Collection<DiskPeer> peers, List<DiskLife> reached) {
        for (DiskPeer peer : peers) {
            peer.reachedByOthers(reached.stream().anyMatch(life -> life.diskId() == peer.diskId()));
        }
    }
}
