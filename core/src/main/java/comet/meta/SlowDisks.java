package comet.meta;

import comet.cluster.ClusterMap;
import comet.cluster.ClusterSetting;
import comet.cluster.DiskInfo;
import comet.cluster.DiskLife;
import comet.cluster.MemberState;
import comet.cluster.PgConfig;
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
/// - Two gateways that hold volumes must say so where there are more than two: one with a bad link
///   is not believed then. And nobody before the leader has heard of all.
/// - One node at a time: the work of the one that is left behind makes others slower.
/// - Not while it recovers or is recovered from: then it is slow because of us. That counts once:
///   one that was left behind before for being slow would have guests wait for it for as long as
///   its slow recovery takes.
/// - Who was left behind stays so for a while ([ClusterSetting#SLOW_REST]), and no other node is
///   left behind meanwhile: nothing shows whether it is still slow. Each time twice as long, up to
///   a bound. It may come back at once when it is started anew.
final class SlowDisks {
    private static final int REPORTERS = 2;
    private static final int DOUBLED_MAX = 6;

    /// Who was not left behind for so long starts with the shortest rest again.
    private static final long FORGIVEN_NS = 6 * 3600 * 1_000_000_000L;

    private static final int DISKS_MAX = 1024;
    private static final int GATEWAYS_MAX = 1024;

    private final TreeMap<Integer, Said> said = new TreeMap<>();

    /// Left behind, with the time until which.
    private final TreeMap<Integer, Held> held = new TreeMap<>();

    private record Said(long bootId, TreeMap<Long, Long> atNs) {}

    /// How often each was left behind for it since it was started, and until when.
    private final TreeMap<Integer, Past> past = new TreeMap<>();

    private record Past(int times, long untilNs) {}

    private record Held(DiskLife life, int nodeId, long untilNs) {}

    void clear() {
        said.clear();
        held.clear();
        past.clear();
    }

    /// The disk has started anew: it may be another device.
    void started(int diskId) {
        said.remove(diskId);
        held.remove(diskId);
        past.remove(diskId);
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
    List<DiskLife> found(ClusterMap map, Facts facts, long nowNs) {
        for (Said each : said.values()) {
            each.atNs.values().removeIf(saidNs -> nowNs - saidNs > Reports.VALID_NS);
        }
        said.values().removeIf(each -> each.atNs.isEmpty());
        held.values().removeIf(each -> nowNs >= each.untilNs);
        past.values().removeIf(each -> nowNs - each.untilNs > FORGIVEN_NS);
        if (said.isEmpty() || facts.leaderIsNew()) {
            return List.of();
        }
        TreeSet<Long> holders = holders(map, facts.gateways());
        int needed = holders.size() > REPORTERS ? REPORTERS : 1;
        List<DiskLife> all = new ArrayList<>();
        for (Map.Entry<Integer, Said> entry : said.entrySet()) {
            DiskInfo disk = map.disk(entry.getKey());
            TreeSet<Long> reporters = new TreeSet<>(entry.getValue().atNs.keySet());
            reporters.retainAll(holders);
            if (disk != null
                    && disk.bootId() == entry.getValue().bootId
                    && reporters.size() >= needed
                    && (past.containsKey(disk.diskId()) || !recovers(map, disk.diskId()))) {
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
        if (isHeld(life, nowNs)) {
            return true; // Proposed again: the group has not said yet.
        }
        Past before = past.getOrDefault(life.diskId(), new Past(0, nowNs));
        long restNs = 1_000_000_000L * map.settings().of(ClusterSetting.SLOW_REST);
        long untilNs = nowNs + (restNs << Math.min(before.times, DOUBLED_MAX));
        past.put(life.diskId(), new Past(before.times + 1, untilNs));
        held.put(life.diskId(), new Held(life, disk.nodeId(), untilNs));
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

    /// Or is recovered from.
    private static boolean recovers(ClusterMap map, int diskId) {
        for (int pg = 0; pg < map.pgCount(); pg++) {
            PgConfig config = map.pg(pg);
            if (config.member(diskId) == null) {
                continue;
            }
            for (Member member : config.members()) {
                if (member.state() == MemberState.RECOVERING) {
                    return true;
                }
            }
        }
        return false;
    }

    private static TreeSet<Long> holders(ClusterMap map, List<Long> gateways) {
        TreeSet<Long> found = new TreeSet<>();
        for (VolumeInfo volume : map.volumes()) {
            VolumeInfo.Attachment attachment = volume.attachment();
            if (attachment != null) {
                found.add(attachment.gatewayId());
            }
        }
        found.retainAll(new TreeSet<>(gateways));
        return found;
    }
}
