package comet.server.admin;

import comet.meta.Moves;
import comet.server.raft.DiskUse;
import comet.server.raft.NbdAddresses;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// What the metadata group's leader knows of who lives: soft, a few seconds old at most.
///
/// @param leader the leading member's name; empty where none is known
/// @param members all members' names
/// @param disks by disk id
/// @param gateways by gateway id
/// @param settled false while the leader has not led for one heartbeat timeout: who is not listed
///   may still live
/// @param moves placement groups that are to move, as the leader has it
/// @param silent members that have not answered the leader for seconds
/// @param controls where members are reached, by name, where that is known
public record GroupStatus(
        String leader,
        List<String> members,
        Map<Integer, Seen> disks,
        Map<Long, Seen> gateways,
        boolean settled,
        Moves.Progress moves,
        List<String> silent,
        Map<String, String> controls) {
    /// @param alive heard of within the heartbeat timeout
    /// @param agoMs since then
    /// @param bootId of a disk, the life that reports; 0 for a gateway
    /// @param use how full the disk is; null for a gateway, and where it is not known
    /// @param nbd of a gateway, see [comet.server.raft.NbdAddresses]
    public record Seen(
            boolean alive, long agoMs, long bootId, @Nullable DiskUse use, List<String> nbd) {
        public Seen {
            nbd = List.copyOf(nbd);
        }

        public Seen(boolean alive, long agoMs, long bootId, @Nullable DiskUse use) {
            this(alive, agoMs, bootId, use, List.of());
        }

        public Seen(boolean alive, long agoMs, long bootId) {
            this(alive, agoMs, bootId, null);
        }
    }

    /// With nothing to move.
    public GroupStatus(
            String leader,
            List<String> members,
            Map<Integer, Seen> disks,
            Map<Long, Seen> gateways,
            boolean settled) {
        this(leader, members, disks, gateways, settled, Moves.Progress.NONE, List.of(), Map.of());
    }

    public GroupStatus {
        members = List.copyOf(members);
        disks = new TreeMap<>(disks);
        gateways = new TreeMap<>(gateways);
        silent = List.copyOf(silent);
        controls = new TreeMap<>(controls);
    }

    public boolean diskAlive(int diskId, long bootId) {
        Seen seen = disks.get(diskId);
        return seen != null && seen.alive() && seen.bootId() == bootId;
    }

    public boolean diskAlive(int diskId) {
        Seen seen = disks.get(diskId);
        return seen != null && seen.alive();
    }

    /// How full the disk was when its node last said so, which may be a while ago; null where
    /// nobody knows.
    public @Nullable DiskUse use(int diskId) {
        Seen seen = disks.get(diskId);
        return seen == null ? null : seen.use();
    }

    /// Where a gateway serves a volume, as it said last; empty where nobody knows.
    List<String> nbd(long gatewayId, String volume) {
        Seen seen = gateways.get(gatewayId);
        return seen == null
                ? List.of()
                : seen.nbd().stream().map(uri -> uri.replace(NbdAddresses.VOLUME, volume)).toList();
    }

    public boolean gatewayAlive(long gatewayId) {
        Seen seen = gateways.get(gatewayId);
        return seen != null && seen.alive();
    }
}
