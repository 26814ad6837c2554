package comet.meta;

import comet.base.Check;
import comet.cluster.ClusterInfo;
import comet.cluster.ClusterSettings;
import comet.cluster.DiskInfo;
import comet.cluster.GatewayInfo;
import comet.cluster.GroupMember;
import comet.cluster.MapUpdate;
import comet.cluster.NodeInfo;
import comet.cluster.PgConfig;
import comet.cluster.Reply;
import comet.cluster.Scrubs;
import comet.cluster.VolumeInfo;
import comet.meta.GroupRecord.DiskStart;
import comet.meta.GroupRecord.GatewayLife;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// The agreed state. Read by the rules, changed only by [#replay].
final class GroupState {
    /// The name of a submission.
    record SubmissionId(long origin, long sequence) {}

    private long revision;
    private boolean changedInEntry;
    private @Nullable ClusterInfo cluster;
    private long clusterRevision;
    private ClusterSettings settings = ClusterSettings.DEFAULTS;
    private long settingsRevision;
    private PgConfig[] pgs = new PgConfig[0];
    private long[] pgRevision = new long[0];
    final Table<Integer, NodeInfo> nodes = new Table<>();
    final Table<Integer, DiskInfo> disks = new Table<>();
    final Table<Long, GatewayInfo> gateways = new Table<>();
    final Table<Long, VolumeInfo> volumes = new Table<>();
    final Scrubs scrubs = new Scrubs();
    private final TreeMap<String, Long> livingNames = new TreeMap<>();
    private final TreeMap<Integer, DiskStart> diskStarts = new TreeMap<>();
    private final TreeMap<Long, GatewayLife> gatewayLives = new TreeMap<>();
    int nextNodeId = 1;
    int nextDiskId = 1;
    long nextGatewayId = 1;
    long nextVolumeId = 1;
    private final ArrayDeque<GroupImage.Purged> purged = new ArrayDeque<>();
    private final LinkedHashMap<SubmissionId, Reply> answered = new LinkedHashMap<>();
    private final ArrayDeque<GroupEvent> events = new ArrayDeque<>();
    private long eventCount;
    private List<GroupMember> members = List.of();
    private List<String> formerMembers = List.of();

    /// Who knows less than this gets everything: what vanished before is forgotten.
    private long forgottenRevision;

    GroupState() {}

    GroupState(GroupImage image) {
        MapUpdate all = image.everything();
        revision = all.revision();
        forgottenRevision = revision;
        cluster = all.cluster();
        clusterRevision = revision;
        if (all.settings() != null) {
            settings = new ClusterSettings(all.settings());
        }
        settingsRevision = revision;
        pgs = all.pgs().toArray(new PgConfig[0]);
        pgRevision = new long[pgs.length];
        for (int pg = 0; pg < pgs.length; pg++) {
            Check.that(pgs[pg].pg() == pg, "PGs in order", pgs[pg].pg(), pg);
            pgRevision[pg] = revision;
        }
        all.nodes().forEach(node -> nodes.put(node.nodeId(), node, revision));
        all.disks().forEach(disk -> disks.put(disk.diskId(), disk, revision));
        all.gateways().forEach(gateway -> gateways.put(gateway.gatewayId(), gateway, revision));
        all.volumes().forEach(volume -> putVolume(volume, revision));
        all.scrubOrders().forEach(order -> scrubs.put(order, revision));
        all.scrubReports().forEach(report -> scrubs.put(report, revision));
        nextNodeId = image.nextNodeId();
        nextDiskId = image.nextDiskId();
        nextGatewayId = image.nextGatewayId();
        nextVolumeId = image.nextVolumeId();
        image.diskStarts().forEach(set -> diskStarts.put(set.diskId(), set.start()));
        image.gatewayLives().forEach(set -> gatewayLives.put(set.gatewayId(), set.life()));
        purged.addAll(image.purged());
        for (GroupRecord.Answered one : image.answered()) {
            answered.put(new SubmissionId(one.origin(), one.sequence()), one.reply());
        }
        events.addAll(image.events());
        eventCount = events.isEmpty() ? 0 : events.getLast().number();
        members = image.members();
        formerMembers = image.formerMembers();
    }

    GroupImage image() {
        ArrayList<GroupRecord.DiskStartSet> starts = new ArrayList<>();
        diskStarts.forEach((id, start) -> starts.add(new GroupRecord.DiskStartSet(id, start)));
        ArrayList<GroupRecord.GatewayLifeSet> lives = new ArrayList<>();
        gatewayLives.forEach((id, life) -> lives.add(new GroupRecord.GatewayLifeSet(id, life)));
        ArrayList<GroupRecord.Answered> replies = new ArrayList<>();
        answered.forEach((id, reply) ->
                replies.add(new GroupRecord.Answered(id.origin(), id.sequence(), reply)));
        return new GroupImage(
                everything(),
                nextNodeId,
                nextDiskId,
                nextGatewayId,
                nextVolumeId,
                starts,
                lives,
                List.copyOf(purged),
                replies,
                List.copyOf(events),
                members,
                formerMembers);
    }

    void replay(GroupRecord record) {
        long next = revision + 1;
        switch (record) {
            case GroupRecord.ClusterSet set -> {
                cluster = set.cluster();
                clusterRevision = next;
                makePgs(set.cluster().pgCount());
            }
            case GroupRecord.SettingsSet set -> {
                settings = new ClusterSettings(set.settings());
                settingsRevision = next;
            }
            case GroupRecord.NodeSet set -> {
                nodes.put(set.node().nodeId(), set.node(), next);
                nextNodeId = Math.max(nextNodeId, set.node().nodeId() + 1);
            }
            case GroupRecord.DiskSet set -> {
                disks.put(set.disk().diskId(), set.disk(), next);
                nextDiskId = Math.max(nextDiskId, set.disk().diskId() + 1);
            }
            case GroupRecord.GatewaySet set -> {
                gateways.put(set.gateway().gatewayId(), set.gateway(), next);
                nextGatewayId = Math.max(nextGatewayId, set.gateway().gatewayId() + 1);
            }
            case GroupRecord.PgSet set -> {
                PgConfig pg = set.pg();
                Check.that(pg.epoch() > pgs[pg.pg()].epoch(), "epoch grows", pg.pg(), pg.epoch());
                pgs[pg.pg()] = pg;
                pgRevision[pg.pg()] = next;
            }
            case GroupRecord.VolumeSet set -> {
                putVolume(set.volume(), next);
                nextVolumeId = Math.max(nextVolumeId, set.volume().volumeId() + 1);
            }
            case GroupRecord.VolumePurged set -> purge(set.volumeId(), next);
            case GroupRecord.ScrubOrderSet set -> scrubs.put(set.order(), next);
            case GroupRecord.ScrubReportSet set -> scrubs.put(set.report(), next);
            case GroupRecord.DiskStartSet set -> {
                diskStarts.put(set.diskId(), set.start());
            }
            case GroupRecord.GatewayLifeSet set -> {
                gatewayLives.put(set.gatewayId(), set.life());
            }
            case GroupRecord.MembersSet set -> {
                members = set.members();
                formerMembers = set.former();
            }
            case GroupRecord.Happened set -> {
                events.add(set.event().numbered(++eventCount));
                if (events.size() > Limits.EVENTS_MAX) {
                    events.remove();
                }
            }
            case GroupRecord.Answered set -> {
                answered.put(new SubmissionId(set.origin(), set.sequence()), set.reply());
                if (answered.size() > Limits.ANSWERED_MAX) {
                    answered.pollFirstEntry();
                }
            }
        }
        changedInEntry |= record.isVisible();
    }

    /// Ends a log entry.
    ///
    /// @return whether it changed what others see, and so got a revision
    boolean endEntry() {
        boolean changed = changedInEntry;
        revision += changed ? 1 : 0;
        changedInEntry = false;
        return changed;
    }

    private void makePgs(int count) {
        Check.that(pgs.length == 0, "PGs are made once", pgs.length, count);
        pgs = new PgConfig[count];
        pgRevision = new long[count];
        for (int pg = 0; pg < count; pg++) {
            pgs[pg] = new PgConfig(pg, 0, List.of());
            pgRevision[pg] = revision + 1;
        }
    }

    private void putVolume(VolumeInfo volume, long atRevision) {
        forgetName(volume.volumeId());
        volumes.put(volume.volumeId(), volume, atRevision);
        if (!volume.deleted()) {
            Check.that(livingNames.put(volume.name(), volume.volumeId()) == null, "name used once");
        }
    }

    private void purge(long volumeId, long atRevision) {
        forgetName(volumeId);
        volumes.remove(volumeId);
        purged.add(new GroupImage.Purged(volumeId, atRevision));
        if (purged.size() > Limits.PURGED_MAX) {
            forgottenRevision = Math.max(forgottenRevision, purged.remove().revision());
        }
    }

    private void forgetName(long volumeId) {
        VolumeInfo old = volumes.get(volumeId);
        if (old != null) {
            livingNames.remove(old.name(), volumeId);
        }
    }

    /// See [Group#changesAfter].
    MapUpdate changesAfter(long known) {
        if (known >= revision) {
            return changes(revision, revision);
        }
        return known < forgottenRevision ? everything() : changes(known, known);
    }

    private MapUpdate everything() {
        return changes(0, -1);
    }

    private MapUpdate changes(long after, long changedAfter) {
        ArrayList<PgConfig> changedPgs = new ArrayList<>();
        for (int pg = 0; pg < pgs.length; pg++) {
            if (pgRevision[pg] > changedAfter) {
                changedPgs.add(pgs[pg]);
            }
        }
        ArrayList<Long> gone = new ArrayList<>();
        for (GroupImage.Purged one : purged) {
            if (one.revision() > changedAfter) {
                gone.add(one.volumeId());
            }
        }
        return new MapUpdate(
                after,
                revision,
                clusterRevision > changedAfter ? cluster : null,
                nodes.changedAfter(changedAfter),
                disks.changedAfter(changedAfter),
                gateways.changedAfter(changedAfter),
                changedPgs,
                volumes.changedAfter(changedAfter),
                gone,
                settingsRevision > changedAfter ? settings.set() : null,
                scrubs.ordersAfter(changedAfter),
                scrubs.reportsAfter(changedAfter));
    }

    long revision() {
        return revision;
    }

    /// The revision that covers a decision made now.
    ///
    /// @param changes whether the decision itself changes something
    long revisionOf(boolean changes) {
        return changes || changedInEntry ? revision + 1 : revision;
    }

    @Nullable ClusterInfo cluster() {
        return cluster;
    }

    ClusterSettings settings() {
        return settings;
    }

    PgConfig pg(int pg) {
        return pgs[pg];
    }

    int pgCount() {
        return pgs.length;
    }

    /// Of the metadata group; empty where nobody has said it yet.
    List<GroupMember> members() {
        return members;
    }

    List<String> formerMembers() {
        return formerMembers;
    }

    DiskStart diskStart(int diskId) {
        return diskStarts.getOrDefault(diskId, DiskStart.NONE);
    }

    @Nullable GatewayLife gatewayLife(long gatewayId) {
        return gatewayLives.get(gatewayId);
    }

    /// `gateway G`, by its name where it is known.
    String gatewayName(long gatewayId) {
        GatewayInfo gateway = gateways.get(gatewayId);
        return "gateway " + (gateway == null ? Long.toString(gatewayId) : gateway.name());
    }

    /// `node N` or `gateway G` where a process is known that sends its commands so; else empty.
    String processName(long origin) {
        for (Map.Entry<Long, GatewayLife> life : gatewayLives.entrySet()) {
            GatewayInfo gateway = gateways.get(life.getKey());
            if (life.getValue().origin() == origin && gateway != null) {
                return "gateway " + gateway.name();
            }
        }
        for (Map.Entry<Integer, DiskStart> start : diskStarts.entrySet()) {
            DiskInfo disk = disks.get(start.getKey());
            NodeInfo node = disk == null ? null : nodes.get(disk.nodeId());
            if (start.getValue().origin() == origin && node != null) {
                return "node " + node.name();
            }
        }
        return "";
    }

    List<GroupEvent> eventsAfter(long after) {
        ArrayList<GroupEvent> later = new ArrayList<>();
        for (GroupEvent event : events) {
            if (event.number() > after) {
                later.add(event);
            }
        }
        return later;
    }

    /// The disk's last event with one of these codes, unless one with `end` came after it.
    @Nullable GroupEvent lastEvent(int diskId, List<String> codes, String end) {
        for (var each = events.descendingIterator(); each.hasNext(); ) {
            GroupEvent event = each.next();
            if (event.diskId() == diskId && event.code().equals(end)) {
                return null;
            }
            if (event.diskId() == diskId && codes.contains(event.code())) {
                return event;
            }
        }
        return null;
    }

    @Nullable Reply answer(long origin, long sequence) {
        return answered.get(new SubmissionId(origin, sequence));
    }

    /// The living volume of that name, or null.
    @Nullable VolumeInfo livingVolume(String name) {
        Long id = livingNames.get(name);
        return id == null ? null : volumes.get(id);
    }
}
