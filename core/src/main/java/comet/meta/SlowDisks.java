package comet.meta;

import comet.cluster.ClusterMap;
import comet.cluster.ClusterSetting;
import comet.cluster.DiskInfo;
import comet.cluster.DiskLife;
import comet.cluster.MemberState;
import comet.cluster.PgConfig.Member;
import comet.cluster.VolumeInfo;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

/// Disks that gateways find far slower than others for long, and those that the group goes on
/// without for it: soft state of the leader. The rules, on top of [LossRules#canDoWithout], keep
/// slowness from doing more harm than it does:
///
/// - Half of the gateways that hold volumes must say so, or three: one with a bad link is not
///   believed where there are others.
/// - One node at a time: the work of the one that is left behind makes others slower.
/// - Not while it recovers: then it is slow because of us.
/// - Who was left behind stays so for a while ([ClusterSetting#SLOW_REST]), and no other node is
///   left behind meanwhile: nothing shows whether it is still slow. It may come back at once when
///   it is started anew.
final class SlowDisks {
    private static final int REPORTERS_ENOUGH = 3;
    private static final int DISKS_MAX = 1024;
    private static final int GATEWAYS_MAX = 1024;

    private final TreeMap<Integer, Said> said = new TreeMap<>();

    /// Left behind, with the time until which.
    private final TreeMap<Integer, Held> held = new TreeMap<>();

    private record Said(long bootId, TreeMap<Long, Long> atNs) {}

    private record Held(DiskLife life, int nodeId, long untilNs) {}

    void clear() {
        said.clear();
        held.clear();
    }

    /// The disk has started anew: it may be another device.
    void started(int diskId) {
        said.remove(diskId);
        held.remove(diskId);
    }

    void said(long gatewayId, DiskLife life, long nowNs) {
        Said known = said.get(life.diskId());
        if (known == null || known.bootId < life.bootId()) {
            if (known == null && said.size() >= DISKS_MAX) {
                return;
            }
            known = new Said(life.bootId(), new TreeMap<>());
            said.put(life.diskId(), known);
        }
        boolean counts = known.bootId == life.bootId();
        if (counts && (known.atNs.containsKey(gatewayId) || known.atNs.size() < GATEWAYS_MAX)) {
            known.atNs.put(gatewayId, nowNs);
        }
    }

    /// Disks that are slow enough to go on without them, each where [#leave] agrees.
    ///
    /// @param gateways that live
    List<DiskLife> found(ClusterMap map, List<Long> gateways, long nowNs) {
        for (Said each : said.values()) {
            each.atNs.values().removeIf(saidNs -> nowNs - saidNs > Reports.VALID_NS);
        }
        said.values().removeIf(each -> each.atNs.isEmpty());
        held.values().removeIf(each -> nowNs >= each.untilNs);
        if (said.isEmpty()) {
            return List.of();
        }
        TreeSet<Long> holders = holders(map, gateways);
        int needed = Math.min(REPORTERS_ENOUGH, holders.size() / 2 + 1);
        List<DiskLife> all = new ArrayList<>();
        for (Map.Entry<Integer, Said> entry : said.entrySet()) {
            DiskInfo disk = map.disk(entry.getKey());
            TreeSet<Long> reporters = new TreeSet<>(entry.getValue().atNs.keySet());
            reporters.retainAll(holders);
            if (disk != null
                    && disk.bootId() == entry.getValue().bootId
                    && reporters.size() >= needed
                    && !recovers(map, disk.diskId())) {
                all.add(new DiskLife(disk.diskId(), disk.bootId()));
            }
        }
        return all;
    }

    /// Whether one of them may be left behind now; it counts as that then.
    boolean leave(ClusterMap map, DiskLife life, long nowNs) {
        DiskInfo disk = map.disk(life.diskId());
        if (disk == null || isOtherHeld(disk.nodeId())) {
            return false;
        }
        long restNs = 1_000_000_000L * map.settings().of(ClusterSetting.SLOW_REST);
        held.put(life.diskId(), new Held(life, disk.nodeId(), nowNs + restNs));
        return true;
    }

    /// Whether it may not come back yet.
    boolean isHeld(DiskLife life, long nowNs) {
        Held known = held.get(life.diskId());
        return known != null && known.life.equals(life) && nowNs < known.untilNs;
    }

    private boolean isOtherHeld(int nodeId) {
        return held.values().stream().anyMatch(each -> each.nodeId != nodeId);
    }

    private static boolean recovers(ClusterMap map, int diskId) {
        for (int pg = 0; pg < map.pgCount(); pg++) {
            Member member = map.pg(pg).member(diskId);
            if (member != null && member.state() == MemberState.RECOVERING) {
                return true;
            }
        }
        return false;
    }

    private static TreeSet<Long> holders(ClusterMap map, List<Long> gateways) {
        TreeSet<Long> found = new TreeSet<>();
        for (VolumeInfo volume : map.volumes()) {
            VolumeInfo.Attachment attachment = volume.attachment();
            if (attachment != null && gateways.contains(attachment.gatewayId())) {
                found.add(attachment.gatewayId());
            }
        }
        return found;
    }
}
