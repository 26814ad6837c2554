package comet.server.admin;

import comet.base.Sizes;
import comet.cluster.ClusterMap;
import comet.cluster.DiskInfo;
import comet.cluster.GatewayInfo;
import comet.cluster.MemberState;
import comet.cluster.NodeInfo;
import comet.cluster.PgConfig;
import comet.cluster.PgConfig.Member;
import comet.cluster.VolumeInfo;
import comet.cluster.VolumeLimits;
import comet.meta.GroupEvent;
import comet.server.admin.NodePart.DiskState;
import comet.server.raft.DiskUse;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/// The map as the API shows it: plain functions to records, which become JSON field by field.
final class Views {
    private Views() {}

    /// @param state `active`, `draining`, or `drained` where its disks are empty
    /// @param pgs copies of placement groups on its disks
    /// @param maintenanceUntilMs null where it is in none; a time far away where it ends by an
    ///   operator's word
    record NodeView(
            int id,
            String name,
            String domain,
            String host,
            boolean alive,
            String state,
            int disks,
            int pgs,
            @Nullable Long usedBytes,
            @Nullable Long capacityBytes,
            List<String> addresses,
            @Nullable Long maintenanceUntilMs) {}

    /// @param pgs placement groups that have the disk as a member
    /// @param pgsHeld of which it is a member, or has an old copy
    /// @param usedBytes as its node said last; null where nobody knows
    /// @param level `ok`, `near-full` or `full`; null where the use is not known
    /// @param scrub the last whole lap over the disk
    record DiskView(
            int id,
            String uuid,
            String node,
            String domain,
            String state,
            boolean alive,
            long weight,
            int pgs,
            int pgsInSync,
            int pgsHeld,
            @Nullable Long usedBytes,
            @Nullable Long capacityBytes,
            @Nullable String level,
            @Nullable String path,
            Scrubbing.@Nullable ScrubView scrub) {}

    record MemberView(
            int disk, String node, String domain, String state, long boot, boolean alive) {}

    /// @param repair the last `pg repair`, if any
    record PgView(
            int pg,
            long epoch,
            String state,
            List<MemberView> members,
            Scrubbing.@Nullable RepairView repair) {}

    record GatewayView(long id, String name, String host, boolean alive, int volumes) {}

    record VolumeView(
            long id,
            String name,
            long sizeBytes,
            String durability,
            String state,
            @Nullable String gateway,
            long term,
            @Nullable String migrateTo,
            long createdAtMs,
            @Nullable Long deletedAtMs,
            List<String> uris,
            VolumeLimits limits,
            @Nullable Long throttledMs,
            @Nullable Long throttledRequests) {}

    record EventView(
            long number,
            long timeMs,
            String level,
            String code,
            String subject,
            @Nullable Integer disk,
            @Nullable Long volume,
            @Nullable Long gateway,
            String reporter,
            String cause,
            String consequence) {}

    static List<EventView> events(List<GroupEvent> events) {
        List<EventView> views = new ArrayList<>();
        for (GroupEvent event : events) {
            views.add(
                    new EventView(
                            event.number(),
                            event.timeMs(),
                            event.level().name().toLowerCase(Locale.ROOT),
                            event.code(),
                            event.subject(),
                            event.diskId() == 0 ? null : event.diskId(),
                            event.volumeId() == 0 ? null : event.volumeId(),
                            event.gatewayId() == 0 ? null : event.gatewayId(),
                            event.reporter(),
                            event.cause(),
                            event.consequence()));
        }
        return views;
    }

    static String uuid(long high, long low) {
        return new java.util.UUID(high, low).toString();
    }

    static List<NodeView> nodes(ClusterMap map, GroupStatus status) {
        List<NodeView> nodes = new ArrayList<>();
        long nowMs = System.currentTimeMillis();
        Map<Integer, Integer> held = held(map);
        for (NodeInfo node : map.nodes()) {
            if (node.removed()) {
                continue;
            }
            List<DiskInfo> disks = disksOf(map, node.nodeId());
            boolean alive = disks.stream().anyMatch(disk -> status.diskAlive(disk.diskId()));
            List<DiskUse> uses = new ArrayList<>();
            for (DiskInfo disk : disks) {
                DiskUse use = status.use(disk.diskId());
                if (use != null) {
                    uses.add(use);
                }
            }
            boolean known = uses.size() == disks.size() && !disks.isEmpty();
            nodes.add(
                    new NodeView(
                            node.nodeId(),
                            node.name(),
                            node.domain(),
                            node.hostId(),
                            alive,
                            state(disks, held),
                            disks.size(),
                            groups(disks, held),
                            known ? uses.stream().mapToLong(DiskUse::usedBytes).sum() : null,
                            known ? Capacity.bytes(uses) : null,
                            node.addresses(),
                            node.inMaintenance(nowMs) ? node.maintenanceUntilMs() : null));
        }
        return nodes;
    }

    /// Copies of placement groups by disk, the old ones of replicas that were left behind too.
    private static Map<Integer, Integer> held(ClusterMap map) {
        Map<Integer, Integer> held = new TreeMap<>();
        for (int pg = 0; pg < map.pgCount(); pg++) {
            for (Member member : map.pg(pg).members()) {
                held.merge(member.diskId(), 1, Integer::sum);
            }
        }
        return held;
    }

    private static int groups(List<DiskInfo> disks, Map<Integer, Integer> held) {
        return disks.stream().mapToInt(disk -> held.getOrDefault(disk.diskId(), 0)).sum();
    }

    private static String state(List<DiskInfo> disks, Map<Integer, Integer> held) {
        boolean leaving =
                !disks.isEmpty()
                        && disks.stream().noneMatch(d -> d.state() == DiskInfo.State.ACTIVE);
        return !leaving ? "active" : groups(disks, held) > 0 ? "draining" : "drained";
    }

    static List<DiskInfo> disksOf(ClusterMap map, int nodeId) {
        return map.disks().stream()
                .filter(disk -> disk.nodeId() == nodeId)
                .filter(disk -> disk.state() != DiskInfo.State.REMOVED)
                .toList();
    }

    /// How full a disk is: as this process sees it, else as its node told the group.
    static @Nullable DiskUse use(int diskId, GroupStatus status, List<DiskState> local) {
        DiskUse said = status.use(diskId);
        for (DiskState disk : local) {
            if (disk.diskId() == diskId) {
                return new DiskUse(
                        diskId,
                        disk.usedBytes(),
                        disk.capacityBytes(),
                        disk.path(),
                        said == null ? "" : said.fileSystem());
            }
        }
        return said;
    }

    static List<DiskView> disks(ClusterMap map, GroupStatus status, List<DiskState> local) {
        Map<Integer, Integer> pgs = new TreeMap<>();
        Map<Integer, Integer> inSync = new TreeMap<>();
        for (int i = 0; i < map.pgCount(); i++) {
            for (Member member : PgStates.members(map.pg(i))) {
                pgs.merge(member.diskId(), 1, Integer::sum);
                if (member.state() == MemberState.IN_SYNC) {
                    inSync.merge(member.diskId(), 1, Integer::sum);
                }
            }
        }
        List<DiskView> disks = new ArrayList<>();
        Map<Integer, Integer> held = held(map);
        for (DiskInfo disk : map.disks()) {
            DiskUse use = use(disk.diskId(), status, local);
            disks.add(
                    new DiskView(
                            disk.diskId(),
                            uuid(disk.uuidHigh(), disk.uuidLow()),
                            PgStates.nodeName(map, disk),
                            disk.domain(),
                            disk.state().name().toLowerCase(Locale.ROOT),
                            status.diskAlive(disk.diskId()),
                            disk.weight(),
                            pgs.getOrDefault(disk.diskId(), 0),
                            inSync.getOrDefault(disk.diskId(), 0),
                            held.getOrDefault(disk.diskId(), 0),
                            use == null ? null : use.usedBytes(),
                            use == null ? null : use.capacityBytes(),
                            use == null ? null : Health.level(use).word,
                            use == null ? null : use.path(),
                            Scrubbing.lap(map, disk.diskId())));
        }
        return disks;
    }

    static PgView pg(ClusterMap map, GroupStatus status, int pg) {
        PgConfig config = map.pg(pg);
        List<MemberView> members = new ArrayList<>();
        for (Member member : config.members()) {
            DiskInfo disk = map.disk(member.diskId());
            members.add(
                    new MemberView(
                            member.diskId(),
                            PgStates.nodeName(map, disk),
                            disk == null ? "" : disk.domain(),
                            member.state().name().toLowerCase(Locale.ROOT).replace('_', '-'),
                            member.bootId(),
                            status.diskAlive(member.diskId(), member.bootId())));
        }
        String state = PgStates.of(config, map.cluster().replicas(), status).word();
        Scrubbing.RepairView repair = Scrubbing.repair(map, pg);
        return new PgView(pg, config.epoch(), state, members, repair);
    }

    static List<PgView> pgs(ClusterMap map, GroupStatus status, boolean notWell) {
        List<PgView> pgs = new ArrayList<>();
        for (int i = 0; i < map.pgCount(); i++) {
            PgView pg = pg(map, status, i);
            if (!notWell || !pg.state().equals(PgStates.State.OK.word())) {
                pgs.add(pg);
            }
        }
        return pgs;
    }

    static List<GatewayView> gateways(ClusterMap map, GroupStatus status) {
        List<GatewayView> gateways = new ArrayList<>();
        for (GatewayInfo gateway : map.gateways()) {
            int volumes = 0;
            for (VolumeInfo volume : map.volumes()) {
                VolumeInfo.Attachment attachment = volume.attachment();
                volumes +=
                        attachment != null && attachment.gatewayId() == gateway.gatewayId() ? 1 : 0;
            }
            gateways.add(
                    new GatewayView(
                            gateway.gatewayId(),
                            gateway.name(),
                            gateway.hostId(),
                            status.gatewayAlive(gateway.gatewayId()),
                            volumes));
        }
        return gateways;
    }

    /// @param here as the gateway of this process has it open, or null
    static VolumeView volume(
            ClusterMap map,
            VolumeInfo volume,
            List<String> uris,
            GatewayPart.@Nullable VolumeState here) {
        VolumeInfo.Attachment attachment = volume.attachment();
        String state = volume.deleted() ? "deleted" : attachment == null ? "detached" : "attached";
        return new VolumeView(
                volume.volumeId(),
                volume.name(),
                volume.sizeBytes(),
                volume.durability().name().toLowerCase(Locale.ROOT),
                state,
                attachment == null ? null : gatewayName(map, attachment.gatewayId()),
                volume.lastTerm(),
                attachment == null || attachment.migrateTo() == 0
                        ? null
                        : gatewayName(map, attachment.migrateTo()),
                volume.createdAtMs(),
                volume.deleted() ? volume.deletedAtMs() : null,
                uris,
                volume.limits(),
                here == null ? null : here.throttledMs(),
                here == null ? null : here.throttledRequests());
    }

    static String gatewayName(ClusterMap map, long gatewayId) {
        GatewayInfo gateway = map.gateway(gatewayId);
        return gateway == null
                ? "gateway " + HexFormat.of().toHexDigits(gatewayId)
                : gateway.name();
    }

    /// @param capacityBytes of all disks; where they share a file system, what is free in it counts
    ///   once
    /// @param disksSharing those that do
    record ClusterView(
            boolean exists,
            String id,
            String health,
            long revision,
            String leader,
            List<String> members,
            List<String> group,
            int placementGroups,
            int replicas,
            int domains,
            int nodes,
            int nodesAlive,
            int disks,
            int disksAlive,
            int gateways,
            int volumes,
            long provisionedBytes,
            @Nullable Long usedBytes,
            long capacityBytes,
            int disksSharing,
            int disksNearFull,
            int disksFull,
            List<String> warnings,
            Moving moves) {}

    static ClusterView cluster(
            ClusterMap map,
            GroupStatus status,
            List<DiskState> local,
            String health,
            List<String> group) {
        List<NodeView> nodes = nodes(map, status);
        List<DiskView> disks = disks(map, status, local);
        disks.removeIf(disk -> disk.state().equals("removed"));
        TreeSet<String> domains = new TreeSet<>();
        disks.forEach(disk -> domains.add(disk.domain()));
        List<VolumeInfo> volumes = map.volumes().stream().filter(v -> !v.deleted()).toList();
        boolean allKnown = disks.stream().allMatch(disk -> disk.usedBytes() != null);
        long used = 0;
        List<DiskUse> uses = new ArrayList<>();
        for (DiskView disk : disks) {
            DiskUse use = use(disk.id(), status, local);
            used += use == null ? 0 : use.usedBytes();
            uses.add(use == null ? new DiskUse(disk.id(), 0, disk.weight(), "") : use);
        }
        return new ClusterView(
                map.exists(),
                map.exists() ? uuid(map.cluster().clusterHigh(), map.cluster().clusterLow()) : "",
                health,
                map.revision(),
                status.leader(),
                status.members(),
                group,
                map.pgCount(),
                map.exists() ? map.cluster().replicas() : 0,
                domains.size(),
                nodes.size(),
                (int) nodes.stream().filter(NodeView::alive).count(),
                disks.size(),
                (int) disks.stream().filter(DiskView::alive).count(),
                map.gateways().size(),
                volumes.size(),
                volumes.stream().mapToLong(VolumeInfo::sizeBytes).sum(),
                allKnown && !disks.isEmpty() ? used : null,
                Capacity.bytes(uses),
                Capacity.sharing(uses),
                count(disks, Health.Level.NEAR_FULL),
                count(disks, Health.Level.FULL),
                warnings(map, status),
                Moving.of(map, status));
    }

    private static int count(List<DiskView> disks, Health.Level level) {
        return (int) disks.stream().filter(disk -> level.word.equals(disk.level())).count();
    }

    /// What is not wrong now, but would be after the loss of one domain.
    private static List<String> warnings(ClusterMap map, GroupStatus status) {
        List<String> warnings = new ArrayList<>();
        Map<String, Integer> byDomain = new TreeMap<>();
        for (String member : status.members()) {
            String control = status.controls().getOrDefault(member, "");
            NodeInfo node = Members.node(map, member, control);
            if (node != null) {
                byDomain.merge(node.domain(), 1, Integer::sum);
            }
        }
        if (map.nodes().size() < 2) {
            return warnings;
        }
        int majority = status.members().size() / 2 + 1;
        byDomain.forEach((domain, count) -> {
            if (status.members().size() - count < majority) {
                warnings.add(
                        "the loss of domain %s would leave the metadata group without a majority: put a member on another site (`comet meta`)"
                                .formatted(domain));
            }
        });
        return warnings;
    }

    /// Checks what the group would refuse too, but here with the words of sizes.
    static void checkSize(long sizeBytes) {
        if (sizeBytes <= 0 || sizeBytes % Sizes.BLOCK_BYTES != 0) {
            throw AdminException.bad(
                    "bad-size",
                    "a volume's size is a multiple of 4 KiB above zero, not %d bytes"
                            .formatted(sizeBytes));
        }
        if (sizeBytes > Sizes.VOLUME_BYTES_MAX) {
            throw AdminException.bad(
                    "bad-size",
                    "%d bytes is too large: a volume has at most 64 TiB".formatted(sizeBytes));
        }
    }
}
