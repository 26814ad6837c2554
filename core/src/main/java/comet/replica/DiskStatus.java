package comet.replica;

import comet.replica.ApplyRules.Role;
import java.util.ArrayList;
import java.util.List;

/// What an operator sees of a disk's replicas, at one moment.
///
/// @param why it does not serve, where it does not
/// @param inSync placement groups in which it is IN_SYNC
/// @param recoveries those in which it is RECOVERING
/// @param clients connections of clients that write
/// @param pullsActive chunks being copied, and `pullsWaiting` those that wait for it
/// @param writesHeld writes that wait for their chunk
/// @param promisedBytes space promised to clients
/// @param keptPgs placement groups of which it holds a copy that nobody may know of
/// @param keptVolumes volumes that it has chunks of, and that nobody knows
public record DiskStatus(
        int diskId,
        long bootId,
        boolean serving,
        String why,
        int inSync,
        List<PgRecovery> recoveries,
        List<Client> clients,
        int readConnections,
        int pullsActive,
        int pullsWaiting,
        int writesHeld,
        long promisedBytes,
        long usedBytes,
        long capacityBytes,
        int keptPgs,
        int keptVolumes) {
    public DiskStatus {
        recoveries = List.copyOf(recoveries);
        clients = List.copyOf(clients);
    }

    /// @param phase WAITING, FENCES, LISTING, COPYING, READY or ASKED
    /// @param differingChunks known to differ and not yet copied
    /// @param notes chunks of which a write was answered that the source was not seen to hold
    public record PgRecovery(int pg, long epoch, String phase, int differingChunks, int notes) {}

    /// @param creditBytes granted and not used
    /// @param full it was told that the disk is full
    public record Client(long gatewayId, String peer, long creditBytes, boolean full) {}

    static DiskStatus of(DiskServer disk, Recoveries recoveries, Pulls pulls) {
        int inSync = 0;
        for (int pg = 0; pg < disk.pgCount(); pg++) {
            inSync += disk.role(pg) == Role.IN_SYNC ? 1 : 0;
        }
        List<PgRecovery> recovering = new ArrayList<>();
        for (Recovery recovery : recoveries.all()) {
            recovering.add(
                    new PgRecovery(
                            recovery.pg(),
                            recovery.epoch(),
                            recovery.phase().name(),
                            recovery.differingCount(),
                            recovery.notesCount()));
        }
        List<Client> clients = new ArrayList<>();
        for (WriteLane lane : disk.writeLanes()) {
            clients.add(
                    new Client(
                            lane.session().clientId(),
                            lane.session().connection().peer(),
                            lane.credits().unused(),
                            lane.credits().full()));
        }
        return new DiskStatus(
                disk.identity().diskId(),
                disk.bootId(),
                disk.serving(),
                disk.unavailableWhy(),
                inSync,
                recovering,
                clients,
                disk.readLaneCount(),
                pulls.activeCount(),
                pulls.waitingCount(),
                disk.holds().writes(),
                disk.space().promised(),
                disk.store().usedBytes(),
                disk.store().capacityBytes(),
                disk.leftovers().keptCount(),
                disk.purge().keptCount());
    }
}
