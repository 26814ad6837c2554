package comet.meta;

import comet.base.Prng;
import comet.base.Versions;
import comet.cluster.ClusterInfo;
import comet.cluster.DiskFacts;
import comet.cluster.DiskInfo;
import comet.cluster.Incarnation;
import comet.cluster.MapUpdate;
import comet.cluster.PgConfig;
import comet.port.Events.Level;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/// Makes a metadata group anew from what disks and exports have kept. Pure: what it is given
/// decides alone. `docs/metadata.md` says why what comes out keeps every guarantee.
///
/// It starts from the newest copy of map and catalogue; then each placement group from the highest
/// epoch that any disk has written down ([RemakePgs]), each volume from what its disks have seen of
/// it ([RemakeVolumes]); and it begins a new [Incarnation], so that every number that is given out
/// from now on lies above those of the lost group.
public final class Remake {
    /// Ids of nodes, disks and gateways that the lost group may have given out, and nobody knows.
    static final int ID_GAP = 1000;

    /// Attachments that the lost group may have given out, and that no disk has seen. Far more than
    /// there can be; of all terms there are 256 times as many.
    public static final long TERM_GAP = 1 << 16;

    private final List<DiskFacts> disks;
    private final List<MapUpdate> copies;

    /// What was found, for the operator to read.
    ///
    /// @param revision of the newest copy
    /// @param incarnation of the new group
    /// @param examined ids of the disks that were looked at and count
    /// @param unexamined counted disks of the map that were not
    /// @param remarks what is unusual, in words, the grave ones first
    /// @param pgs how many placement groups there are
    /// @param later of how many a disk knew a later configuration than the newest copy
    /// @param waiting by disk, the placement groups that wait for it: it may hold more than those
    ///   that were looked at
    /// @param untrusted placement groups of which no copy can be trusted
    /// @param found volumes that no copy knows, and of which there are chunks
    public record Findings(
            long revision,
            long incarnation,
            List<Integer> examined,
            List<Integer> unexamined,
            List<String> remarks,
            int pgs,
            int later,
            TreeMap<Integer, List<Integer>> waiting,
            List<Integer> untrusted,
            List<Long> found) {}

    /// @param image null where nothing can be made; then `refusal` says why
    public record Result(@Nullable GroupImage image, @Nullable Findings findings, String refusal) {}

    private Remake(List<DiskFacts> disks, List<MapUpdate> copies) {
        this.disks = disks;
        this.copies = copies;
    }

    /// @param disks folders that were looked at
    /// @param exports of the lost group, older or newer than what the disks have
    /// @param nowMs wall clock, for the event that tells of it
    public static Result of(List<DiskFacts> disks, List<MapUpdate> exports, long nowMs) {
        List<MapUpdate> copies = new ArrayList<>(exports);
        for (DiskFacts disk : disks) {
            MapUpdate copy = disk.copy();
            if (copy != null) {
                copies.add(copy);
            }
        }
        return new Remake(disks, copies).make(nowMs);
    }

    private Result make(long nowMs) {
        MapUpdate base = newest();
        ClusterInfo cluster = base == null ? null : base.cluster();
        if (base == null || cluster == null) {
            return refused("there is no copy of the map: neither on these disks nor in a file");
        }
        for (MapUpdate copy : copies) {
            if (!cluster.equals(copy.cluster())) {
                return refused("the copies belong to different clusters");
            }
        }
        TreeMap<Integer, DiskFacts> facts = new TreeMap<>();
        List<String> remarks = new ArrayList<>();
        for (DiskFacts disk : disks) {
            String fault = fault(disk, cluster, base, facts);
            if (fault != null) {
                return refused(disk.where() + " " + fault);
            }
            String doubt = doubt(disk, base);
            if (doubt == null) {
                facts.put(disk.diskId(), disk);
            } else {
                remarks.add("disk " + disk.diskId() + " in " + disk.where() + " " + doubt);
            }
        }
        String mixed = mixed();
        if (mixed != null) {
            return refused(mixed);
        }
        long incarnation = incarnation(nowMs);
        RemakePgs pgs = new RemakePgs(base, facts, incarnation);
        String unknown = pgs.make(disks);
        if (unknown != null) {
            return refused(unknown);
        }
        RemakeVolumes volumes = new RemakeVolumes(base, disks, incarnation);
        volumes.make();
        remarks.addAll(pgs.remarks());
        remarks.addAll(volumes.remarks());
        Findings findings =
                new Findings(
                        base.revision(),
                        incarnation,
                        new ArrayList<>(facts.keySet()),
                        unexamined(base, facts),
                        remarks,
                        cluster.pgCount(),
                        pgs.later(),
                        pgs.waiting(),
                        pgs.untrusted(),
                        volumes.found());
        long revision = Incarnation.first(incarnation, base.revision());
        GroupImage image = image(base, cluster, revision, pgs, volumes, findings, nowMs);
        return new Result(image, findings, "");
    }

    private static Result refused(String why) {
        return new Result(null, null, why);
    }

    private @Nullable MapUpdate newest() {
        MapUpdate newest = null;
        for (MapUpdate copy : copies) {
            if (newest == null || copy.revision() > newest.revision()) {
                newest = copy;
            }
        }
        return newest;
    }

    /// Above that of every group that anybody has heard of, and of every attempt before.
    private long incarnation(long nowMs) {
        long highest = 0;
        for (MapUpdate copy : copies) {
            highest = Math.max(highest, copy.revision());
        }
        long looks = 0;
        long hash = Prng.mix(nowMs);
        for (DiskFacts disk : disks) {
            looks = Math.max(looks, disk.looks());
            hash = Prng.mix(hash ^ disk.uuidHigh() ^ Prng.mix(disk.uuidLow() + disk.looks()));
            for (PgConfig pg : disk.parts()) {
                highest = Math.max(highest, pg.epoch());
            }
        }
        long before = Incarnation.attempt(Incarnation.of(highest));
        return Incarnation.make(Math.max(looks, 1 + before), hash);
    }

    /// Two groups have been made beside each other, and each has served some disks: what one knows
    /// must not be taken for later than what the other one does.
    private @Nullable String mixed() {
        TreeMap<Long, String> seen = new TreeMap<>();
        for (DiskFacts disk : disks) {
            for (PgConfig pg : disk.parts()) {
                seen.putIfAbsent(Incarnation.of(pg.epoch()), "disk " + disk.diskId());
            }
        }
        for (MapUpdate copy : copies) {
            seen.putIfAbsent(Incarnation.of(copy.revision()), "a copy of the map");
        }
        Long before = null;
        for (Long incarnation : seen.keySet()) {
            if (before != null && Incarnation.beside(before, incarnation)) {
                return "two metadata groups were made beside each other, from different disks: "
                        + seen.get(before)
                        + " knows one, "
                        + seen.get(incarnation)
                        + " the other. Leave out what knows the one that is given up";
            }
            before = incarnation;
        }
        return null;
    }

    /// What must not be: the operator has mixed things up.
    private static @Nullable String fault(
            DiskFacts disk,
            ClusterInfo cluster,
            MapUpdate base,
            TreeMap<Integer, DiskFacts> before) {
        if (disk.clusterHigh() != cluster.clusterHigh()
                || disk.clusterLow() != cluster.clusterLow()) {
            return "belongs to another cluster";
        }
        DiskInfo info = RemakePgs.disk(base, disk.diskId());
        boolean foreign =
                info != null
                        && (info.uuidHigh() != disk.uuidHigh() || info.uuidLow() != disk.uuidLow());
        if (foreign) {
            return "is not disk " + disk.diskId() + " of the map: it has another uuid";
        }
        DiskFacts same = before.get(disk.diskId());
        return same == null
                ? null
                : "and " + same.where() + " both hold disk " + disk.diskId() + ": one is a copy";
    }

    /// Why what the folder says cannot be relied upon, or null.
    private static @Nullable String doubt(DiskFacts disk, MapUpdate base) {
        DiskInfo info = RemakePgs.disk(base, disk.diskId());
        if (info != null && disk.startCount() <= info.startCount()) {
            return "is an older copy of its folder: it has counted "
                    + disk.startCount()
                    + " starts, the map "
                    + info.startCount();
        }
        return disk.damaged()
                ? "has lost durable records of its journal: it may have forgotten what it did last"
                : null;
    }

    private static List<Integer> unexamined(MapUpdate base, TreeMap<Integer, DiskFacts> facts) {
        List<Integer> missing = new ArrayList<>();
        for (DiskInfo disk : base.disks()) {
            if (disk.counts() && !facts.containsKey(disk.diskId())) {
                missing.add(disk.diskId());
            }
        }
        return missing;
    }

    private static GroupImage image(
            MapUpdate base,
            ClusterInfo cluster,
            long revision,
            RemakePgs pgs,
            RemakeVolumes volumes,
            Findings findings,
            long nowMs) {
        int nodeId = 0;
        for (var node : base.nodes()) {
            nodeId = Math.max(nodeId, node.nodeId());
        }
        long gatewayId = 0;
        for (var gateway : base.gateways()) {
            gatewayId = Math.max(gatewayId, gateway.gatewayId());
        }
        int diskId = 0;
        for (DiskInfo disk : pgs.disks()) {
            diskId = Math.max(diskId, disk.diskId());
        }
        List<GroupImage.Purged> purged = new ArrayList<>();
        for (long volumeId : new TreeSet<>(volumes.purged())) {
            purged.add(new GroupImage.Purged(volumeId, revision));
        }
        MapUpdate everything =
                new MapUpdate(
                        0,
                        revision,
                        cluster,
                        base.nodes(),
                        pgs.disks(),
                        base.gateways(),
                        pgs.pgs(),
                        volumes.volumes(),
                        List.of(),
                        base.settings() == null ? List.of() : base.settings());
        return new GroupImage(
                everything,
                nodeId + 1 + ID_GAP,
                diskId + 1 + ID_GAP,
                gatewayId + 1 + ID_GAP,
                volumes.nextId(),
                List.of(),
                List.of(),
                purged,
                List.of(),
                List.of(event(findings, nowMs)),
                List.of(),
                List.of());
    }

    private static GroupEvent event(Findings findings, long nowMs) {
        int waiting = 0;
        for (List<Integer> pgs : findings.waiting().values()) {
            waiting += pgs.size();
        }
        String what = "every number it gives out is above those of the lost one";
        if (waiting > 0) {
            what += "; " + waiting + " placement groups wait for disks that were not looked at";
        }
        if (!findings.untrusted().isEmpty()) {
            what += "; " + findings.untrusted().size() + " have no copy that can be trusted";
        }
        return new GroupEvent(
                1,
                nowMs,
                Level.WARN,
                "group-remade",
                "the metadata group",
                0,
                0,
                0,
                "an operator",
                "made anew from revision "
                        + findings.revision()
                        + " and "
                        + findings.examined().size()
                        + " disks",
                what);
    }

    /// Whether a fence says that the volume was purged.
    static boolean isPurged(long term) {
        return term == Versions.TERM_MAX;
    }
}
