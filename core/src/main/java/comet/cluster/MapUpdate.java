package comet.cluster;

import java.util.List;
import org.jspecify.annotations.Nullable;

/// What changed in the agreed state between two revisions. With `after` 0 it is everything.
///
/// @param after the revision it builds upon: a receiver whose own is lower has missed something and
///   fetches; a receiver whose own is at least `revision` has nothing to learn
/// @param revision the revision after it; one per committed log entry that changed something
/// @param cluster null where not part of the update
/// @param purgedVolumes ids of volumes that no longer exist; their chunks are to be dropped
/// @param settings what the operator has set for the cluster, all of it; null where not part of the
///   update
/// @param scrubOrders new ones, see [Scrubs]
/// @param scrubReports new ones, each in place of an earlier one
public record MapUpdate(
        long after,
        long revision,
        @Nullable ClusterInfo cluster,
        List<NodeInfo> nodes,
        List<DiskInfo> disks,
        List<GatewayInfo> gateways,
        List<PgConfig> pgs,
        List<VolumeInfo> volumes,
        List<Long> purgedVolumes,
        @Nullable List<SettingValue> settings,
        List<ScrubOrder> scrubOrders,
        List<ScrubReport> scrubReports) {
    public MapUpdate {
        nodes = List.copyOf(nodes);
        disks = List.copyOf(disks);
        gateways = List.copyOf(gateways);
        pgs = List.copyOf(pgs);
        volumes = List.copyOf(volumes);
        purgedVolumes = List.copyOf(purgedVolumes);
        settings = settings == null ? null : List.copyOf(settings);
        // Earlier versions did not write these.
        scrubOrders = scrubOrders == null ? List.of() : List.copyOf(scrubOrders);
        scrubReports = scrubReports == null ? List.of() : List.copyOf(scrubReports);
    }

    /// One that says nothing about scrubs.
    public MapUpdate(
            long after,
            long revision,
            @Nullable ClusterInfo cluster,
            List<NodeInfo> nodes,
            List<DiskInfo> disks,
            List<GatewayInfo> gateways,
            List<PgConfig> pgs,
            List<VolumeInfo> volumes,
            List<Long> purgedVolumes,
            @Nullable List<SettingValue> settings) {
        this(
                after,
                revision,
                cluster,
                nodes,
                disks,
                gateways,
                pgs,
                volumes,
                purgedVolumes,
                settings,
                List.of(),
                List.of());
    }

    /// One without settings, too.
    public MapUpdate(
            long after,
            long revision,
            @Nullable ClusterInfo cluster,
            List<NodeInfo> nodes,
            List<DiskInfo> disks,
            List<GatewayInfo> gateways,
            List<PgConfig> pgs,
            List<VolumeInfo> volumes,
            List<Long> purgedVolumes) {
        this(after, revision, cluster, nodes, disks, gateways, pgs, volumes, purgedVolumes, null);
    }
}
