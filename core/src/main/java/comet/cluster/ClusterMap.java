package comet.cluster;

import comet.base.Check;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// The agreed state as one process knows it: everything up to [#revision]. Changed only by
/// [#apply]. Owner thread: the loop of the core that holds it.
public final class ClusterMap {
    private long revision;
    private @Nullable ClusterInfo cluster;
    private ClusterSettings settings = ClusterSettings.DEFAULTS;
    private PgConfig[] pgs = new PgConfig[0];
    private final TreeMap<Integer, NodeInfo> nodes = new TreeMap<>();
    private final TreeMap<Integer, DiskInfo> disks = new TreeMap<>();
    private final TreeMap<Long, GatewayInfo> gateways = new TreeMap<>();
    private final TreeMap<Long, VolumeInfo> volumes = new TreeMap<>();
    private final TreeMap<String, Long> volumeIds = new TreeMap<>();
    private final Scrubs scrubs = new Scrubs();

    /// Applies an update that is not older than what is known.
    ///
    /// @return false where something between is missing: fetch from [#revision] first
    public boolean apply(MapUpdate update) {
        if (update.revision() <= revision) {
            return true;
        }
        if (update.after() > revision) {
            return false;
        }
        if (update.after() == 0) {
            forget();
        }
        if (update.cluster() != null) {
            cluster = update.cluster();
            if (pgs.length != cluster.pgCount()) {
                Check.that(pgs.length == 0, "PG count changed", pgs.length, cluster.pgCount());
                pgs = new PgConfig[cluster.pgCount()];
                for (int pg = 0; pg < pgs.length; pg++) {
                    pgs[pg] = new PgConfig(pg, 0, List.of());
                }
            }
        }
        if (update.settings() != null) {
            settings = new ClusterSettings(update.settings());
        }
        update.nodes().forEach(node -> nodes.put(node.nodeId(), node));
        update.disks().forEach(disk -> disks.put(disk.diskId(), disk));
        update.gateways().forEach(gateway -> gateways.put(gateway.gatewayId(), gateway));
        for (PgConfig pg : update.pgs()) {
            if (pg.epoch() >= pgs[pg.pg()].epoch()) {
                pgs[pg.pg()] = pg;
            }
        }
        update.volumes().forEach(this::putVolume);
        update.purgedVolumes().forEach(this::removeVolume);
        update.scrubOrders().forEach(order -> scrubs.put(order, update.revision()));
        update.scrubReports().forEach(report -> scrubs.put(report, update.revision()));
        revision = update.revision();
        return true;
    }

    /// An update from revision 0 holds everything: what it lacks no longer exists.
    private void forget() {
        nodes.clear();
        disks.clear();
        gateways.clear();
        volumes.clear();
        volumeIds.clear();
        settings = ClusterSettings.DEFAULTS;
        scrubs.clear();
    }

    private void putVolume(VolumeInfo volume) {
        removeVolume(volume.volumeId());
        volumes.put(volume.volumeId(), volume);
        if (!volume.deleted()) {
            volumeIds.put(volume.name(), volume.volumeId());
        }
    }

    private void removeVolume(long volumeId) {
        VolumeInfo old = volumes.remove(volumeId);
        if (old != null) {
            volumeIds.remove(old.name(), volumeId);
        }
    }

    /// Everything, as one update from revision 0.
    public MapUpdate image() {
        return new MapUpdate(
                0,
                revision,
                cluster,
                new ArrayList<>(nodes.values()),
                new ArrayList<>(disks.values()),
                new ArrayList<>(gateways.values()),
                List.of(pgs),
                new ArrayList<>(volumes.values()),
                List.of(),
                settings.set(),
                scrubs.orders(),
                scrubs.reports());
    }

    public long revision() {
        return revision;
    }

    public boolean exists() {
        return cluster != null;
    }

    public ClusterInfo cluster() {
        if (cluster == null) {
            throw Check.failed("no cluster yet");
        }
        return cluster;
    }

    /// What the operator has set, else the defaults.
    public ClusterSettings settings() {
        return settings;
    }

    public PgConfig pg(int pg) {
        return pgs[pg];
    }

    public int pgCount() {
        return pgs.length;
    }

    public @Nullable NodeInfo node(int nodeId) {
        return nodes.get(nodeId);
    }

    public @Nullable DiskInfo disk(int diskId) {
        return disks.get(diskId);
    }

    public @Nullable GatewayInfo gateway(long gatewayId) {
        return gateways.get(gatewayId);
    }

    public @Nullable VolumeInfo volume(long volumeId) {
        return volumes.get(volumeId);
    }

    /// The living volume of that name.
    public @Nullable VolumeInfo volume(String name) {
        Long id = volumeIds.get(name);
        return id == null ? null : volumes.get(id);
    }

    public Collection<NodeInfo> nodes() {
        return nodes.values();
    }

    public Collection<DiskInfo> disks() {
        return disks.values();
    }

    public Collection<GatewayInfo> gateways() {
        return gateways.values();
    }

    public Scrubs scrubs() {
        return scrubs;
    }

    /// All volumes, the deleted ones in their grace period too.
    public Collection<VolumeInfo> volumes() {
        return volumes.values();
    }
}
