package comet.server.admin;

import comet.cluster.ClusterMap;
import comet.cluster.DiskInfo;
import comet.cluster.MemberState;
import comet.cluster.NodeInfo;
import comet.cluster.PgConfig;
import comet.cluster.PgConfig.Member;
import comet.cluster.VolumeInfo;
import comet.server.admin.GatewayPart.VolumeState;
import comet.server.admin.NodePart.DiskState;
import comet.server.raft.DiskUse;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// What is wrong, by codes that do not change, for people and for programs.
///
/// @param status `ok`; `warn` where I/O goes on; `error` where some I/O waits or an operator must
///   act
public record Health(String status, List<Item> items) {
    /// Share of a disk in use from which on it is near full.
    static final double NEAR_FULL = 0.85;

    /// Share from which on it is nearly too late.
    static final double FULL = 0.95;

    /// Names in one line.
    private static final int NAMES_MAX = 5;

    /// How full a disk is.
    enum Level {
        OK("ok"),
        NEAR_FULL("near-full"),
        FULL("full");

        final String word;

        Level(String word) {
            this.word = word;
        }
    }

    static Level level(DiskUse use) {
        double share = share(use);
        return share >= FULL ? Level.FULL : share >= NEAR_FULL ? Level.NEAR_FULL : Level.OK;
    }

    /// Nothing left to use is full, too: others' files may have taken it all.
    private static double share(DiskUse use) {
        return use.capacityBytes() == 0 ? 1 : (double) use.usedBytes() / use.capacityBytes();
    }

    public Health {
        items = List.copyOf(items);
    }

    /// @param level `warn` or `error`
    /// @param count of placement groups that are not well for this reason
    /// @param passes it ends by itself, unless something else goes wrong
    public record Item(String level, String code, String message, int count, boolean passes) {
        Item(String level, String code, String message) {
            this(level, code, message, 0, false);
        }

        Item(String level, String code, String message, int count) {
            this(level, code, message, count, false);
        }

        static Item passing(String code, String message, int count) {
            return new Item("warn", code, message, count, true);
        }
    }

    static Health of(List<Item> items) {
        String status = "ok";
        for (Item item : items) {
            if (item.level().equals("error")) {
                status = "error";
            } else if (status.equals("ok")) {
                status = "warn";
            }
        }
        return new Health(status, items);
    }

    /// The group does not answer: nothing else can be said.
    static Health noQuorum(String why) {
        return of(
                List.of(
                        new Item(
                                "error",
                                "no-quorum",
                                why
                                        + ". Attached volumes go on as long as no disk fails; start the missing members")));
    }

    static Health report(
            ClusterMap map, GroupStatus status, List<DiskState> disks, List<VolumeState> volumes) {
        List<Item> items = new ArrayList<>();
        if (!map.exists()) {
            items.add(
                    new Item(
                            "error",
                            "no-cluster",
                            "there is no cluster yet: create it with `comet cluster create`"));
            return of(items);
        }
        disksInMap(map, status, items);
        groups(map, status, items);
        disks.forEach(disk -> disk(disk, items));
        map.disks().forEach(disk -> use(Views.use(disk.diskId(), status, disks), map, items));
        Scrubbing.health(map, items);
        gateways(map, status, items);
        changes(map, status, items);
        for (String member : status.silent()) {
            items.add(
                    new Item(
                            "warn",
                            "member-away",
                            "metadata member %s does not answer: start it again, or put another in its place with `comet cluster replace-member`"
                                    .formatted(member)));
        }
        for (VolumeState volume : volumes) {
            if (!volume.waitsFor().isEmpty()) {
                items.add(
                        new Item(
                                "error",
                                "volume-waiting",
                                "volume %s waits for %s"
                                        .formatted(volume.name(), volume.waitsFor())));
            }
        }
        return of(items);
    }

    private static void disksInMap(ClusterMap map, GroupStatus status, List<Item> items) {
        if (map.disks().isEmpty()) {
            items.add(
                    new Item(
                            "error",
                            "no-disks",
                            "the cluster has no disks yet: start storage nodes"));
        }
        for (DiskInfo disk : map.disks()) {
            if (disk.state() == DiskInfo.State.REMOVED || status.diskAlive(disk.diskId())) {
                continue;
            }
            String name = PgStates.diskName(map, disk.diskId());
            if (disk.bootId() == 0) {
                items.add(
                        new Item(
                                "warn",
                                "disk-not-started",
                                name + " was added but has never served"));
            } else if (status.settled()) {
                items.add(
                        new Item(
                                "error",
                                "disk-away",
                                name + " does not report: start its node again, or see its log"));
            }
        }
        if (!status.settled() && !allReport(map, status)) {
            items.add(
                    Item.passing(
                            "leader-new",
                            "the metadata group has a new leader, which does not know yet who lives",
                            0));
        }
    }

    /// Whether everybody who should live has said so: a new leader knows that at once.
    private static boolean allReport(ClusterMap map, GroupStatus status) {
        for (DiskInfo disk : map.disks()) {
            if (disk.state() != DiskInfo.State.REMOVED
                    && disk.bootId() != 0
                    && !status.diskAlive(disk.diskId())) {
                return false;
            }
        }
        for (VolumeInfo volume : map.volumes()) {
            VolumeInfo.Attachment attachment = volume.attachment();
            if (attachment != null && !status.gatewayAlive(attachment.gatewayId())) {
                return false;
            }
        }
        return true;
    }

    private static void groups(ClusterMap map, GroupStatus status, List<Item> items) {
        int replicas = map.cluster().replicas();
        int few = 0;
        int empty = 0;
        TreeMap<Integer, Integer> waiting = new TreeMap<>();
        TreeMap<Integer, Integer> recovering = new TreeMap<>();
        TreeMap<Integer, Integer> leftBehind = new TreeMap<>();
        for (int i = 0; i < map.pgCount(); i++) {
            PgConfig pg = map.pg(i);
            List<Member> members = PgStates.members(pg);
            empty += members.isEmpty() ? 1 : 0;
            few += !members.isEmpty() && pg.members().size() < replicas ? 1 : 0;
            for (Member member : pg.members()) {
                if (member.state() == MemberState.STALE && !pg.joins(member.diskId())) {
                    leftBehind.merge(member.diskId(), 1, Integer::sum);
                }
            }
            for (Member member : members) {
                if (PgStates.away(member, status)) {
                    waiting.merge(member.diskId(), 1, Integer::sum);
                } else if (member.state() == MemberState.RECOVERING && !pg.joins(member.diskId())) {
                    recovering.merge(member.diskId(), 1, Integer::sum);
                }
            }
        }
        for (Map.Entry<Integer, Integer> entry : waiting.entrySet()) {
            items.add(
                    new Item(
                            "error",
                            "pgs-waiting",
                            "%d placement groups wait for %s: I/O to them waits"
                                    .formatted(
                                            entry.getValue(),
                                            PgStates.diskName(map, entry.getKey())),
                            entry.getValue()));
        }
        perDisk(
                map,
                leftBehind,
                "pgs-degraded",
                "%d placement groups go on without %s, with one copy less until it is back",
                items);
        perDisk(
                map,
                recovering,
                "pgs-recovering",
                "%d placement groups are being brought up to date on %s",
                items);
        if (few > 0) {
            items.add(
                    new Item(
                            "warn",
                            "pgs-too-few-copies",
                            "%d placement groups have fewer than %d copies: add disks in other domains"
                                    .formatted(few, replicas)));
        }
        if (empty > 0 && !map.disks().isEmpty()) {
            items.add(
                    new Item(
                            "error",
                            "pgs-without-disks",
                            "%d placement groups have no disk".formatted(empty)));
        }
    }

    private static void perDisk(
            ClusterMap map,
            Map<Integer, Integer> counts,
            String code,
            String text,
            List<Item> items) {
        counts.forEach((diskId, count) ->
                items.add(
                        Item.passing(
                                code,
                                text.formatted(count, PgStates.diskName(map, diskId)),
                                count)));
    }

    private static void disk(DiskState disk, List<Item> items) {
        String name = "disk %d (%s, %s)".formatted(disk.diskId(), disk.node(), disk.path());
        if (disk.state().equals("failed")) {
            items.add(new Item("error", "disk-failed", name + " has failed: " + disk.detail()));
        } else if (disk.state().equals("refused")) {
            items.add(new Item("error", "disk-refused", name + " may not serve: " + disk.detail()));
        } else if (disk.state().equals("hangs")) {
            items.add(
                    new Item(
                            "error",
                            "disk-hangs",
                            name + " owes answers for seconds: look at its device"));
        } else if (disk.state().equals("waiting")) {
            items.add(new Item("error", "disk-waiting", name + " waits: " + disk.detail()));
        } else if (disk.state().equals("serving") && !disk.detail().isEmpty()) {
            items.add(
                    new Item(
                            "warn",
                            "disk-keeps",
                            name
                                    + " keeps "
                                    + disk.detail()
                                    + ". Where nothing is missed, remove the disk and add it anew"));
        }
    }

    private static void use(@Nullable DiskUse use, ClusterMap map, List<Item> items) {
        Level level = use == null ? Level.OK : level(use);
        if (use != null && level != Level.OK) {
            boolean full = level == Level.FULL;
            items.add(
                    new Item(
                            full ? "error" : "warn",
                            full ? "disk-full" : "disk-near-full",
                            String.format(
                                    Locale.ROOT,
                                    "%s is %.0f%% full%s: add disks, or delete volumes",
                                    PgStates.diskName(map, use.diskId()),
                                    share(use) * 100,
                                    recovers(map, use.diskId())
                                            ? ", and what it lacks is copied only as far as it fits"
                                            : "")));
        }
    }

    private static boolean recovers(ClusterMap map, int diskId) {
        for (int i = 0; i < map.pgCount(); i++) {
            Member member = map.pg(i).member(diskId);
            if (member != null && member.state() == MemberState.RECOVERING) {
                return true;
            }
        }
        return false;
    }

    /// A gateway that has gone with volumes attached: nobody reaches these.
    private static void gateways(ClusterMap map, GroupStatus status, List<Item> items) {
        TreeMap<Long, List<String>> held = new TreeMap<>();
        for (VolumeInfo volume : map.volumes()) {
            VolumeInfo.Attachment attachment = volume.attachment();
            if (attachment != null && !status.gatewayAlive(attachment.gatewayId())) {
                held.computeIfAbsent(attachment.gatewayId(), _ -> new ArrayList<>())
                        .add(volume.name());
            }
        }
        if (status.settled()) {
            held.forEach((gatewayId, volumes) ->
                    items.add(
                            new Item(
                                    "error",
                                    "gateway-away",
                                    "gateway %s does not report, and holds %s: start it again, or attach elsewhere with --takeover"
                                            .formatted(
                                                    Views.gatewayName(map, gatewayId),
                                                    names(volumes)))));
        }
    }

    /// What operators have asked for and is not done, and what keeps copies from being made anew.
    private static void changes(ClusterMap map, GroupStatus status, List<Item> items) {
        Moving moving = Moving.of(map, status);
        if (moving.left() > 0) {
            items.add(new Item("warn", "moving", moving.text(), moving.left(), !moving.paused()));
        }
        if (moving.left() > 0 && moving.paused()) {
            items.add(
                    new Item(
                            "warn",
                            "moves-paused",
                            "placement groups do not move: `comet cluster rebalance resume` lets them"));
        }
        if (moving.rebuildImpossible() > 0) {
            items.add(
                    new Item(
                            "error",
                            "rebuild-impossible",
                            "%d lost copies cannot be made anew, since no disk is left in a domain of its own: add disks, or bring back those that are away"
                                    .formatted(moving.rebuildImpossible()),
                            moving.rebuildImpossible()));
        }
        long nowMs = System.currentTimeMillis();
        for (NodeInfo node : map.nodes()) {
            if (node.inMaintenance(nowMs)) {
                items.add(
                        new Item(
                                "warn",
                                "maintenance",
                                "node %s is in maintenance: nothing is rebuilt while its disks are away"
                                        .formatted(node.name())));
            }
        }
    }

    private static String names(List<String> names) {
        int shown = Math.min(NAMES_MAX, names.size());
        String text =
                "volume"
                        + (names.size() == 1 ? " " : "s ")
                        + String.join(", ", names.subList(0, shown));
        return shown == names.size() ? text : text + " and %d more".formatted(names.size() - shown);
    }
}
