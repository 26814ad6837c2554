package comet.cluster;

import comet.cluster.VolumeInfo.Attachment;
import comet.cluster.VolumeInfo.Durability;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// The whole map and catalogue as bytes, for the copy that every disk keeps. Described in
/// `docs/formats.md`.
///
/// What was added later stands behind the rest, in additions with a number and a length: a program
/// that does not know one leaves it out, so one more needs no new format.
public final class MapImage {
    private MapImage() {}

    /// Raised whenever an older program could not read what this one writes.
    public static final int FORMAT = 2;

    /// Ends behind the volumes.
    private static final int FORMAT_WITHOUT_ADDITIONS = 1;

    /// Settings of the cluster: a list of key and value.
    private static final int SETTINGS = 1;

    /// Limits of volumes that have some: a list of volume, requests and bytes a second, seconds.
    private static final int LIMITS = 2;

    /// Placement groups that move: a list of group, disk that leaves (0: none), disk that joins.
    private static final int MOVES = 3;

    /// Nodes in maintenance, or removed: a list of node, end in milliseconds, 1 where removed.
    private static final int NODES = 4;

    // The number of each is its place here.
    private static final List<MemberState> MEMBER_STATES =
            List.of(MemberState.IN_SYNC, MemberState.RECOVERING, MemberState.STALE);
    private static final List<DiskInfo.State> DISK_STATES =
            List.of(
                    DiskInfo.State.ACTIVE,
                    DiskInfo.State.DRAINING,
                    DiskInfo.State.REMOVED,
                    DiskInfo.State.REMOVING);
    private static final List<Durability> DURABILITIES =
            List.of(Durability.FLUSH, Durability.WRITE);

    /// @param map of a cluster that exists
    public static byte[] encode(ClusterMap map) {
        Writer to = new Writer();
        to.number(FORMAT);
        to.number(map.revision());
        ClusterInfo cluster = map.cluster();
        to.fixed(cluster.clusterHigh());
        to.fixed(cluster.clusterLow());
        to.number(cluster.replicas());
        to.number(map.pgCount());
        for (int pg = 0; pg < map.pgCount(); pg++) {
            writePg(to, map.pg(pg));
        }
        to.number(map.nodes().size());
        map.nodes().forEach(node -> writeNode(to, node));
        to.number(map.disks().size());
        map.disks().forEach(disk -> writeDisk(to, disk));
        to.number(map.gateways().size());
        for (GatewayInfo gateway : map.gateways()) {
            to.number(gateway.gatewayId());
            to.text(gateway.name());
            to.text(gateway.hostId());
        }
        to.number(map.volumes().size());
        map.volumes().forEach(volume -> writeVolume(to, volume));
        to.number(4);
        to.addition(SETTINGS, settings(map.settings()));
        to.addition(LIMITS, limits(map));
        to.addition(MOVES, moves(map));
        to.addition(NODES, nodes(map));
        return to.bytes();
    }

    private static Writer settings(ClusterSettings settings) {
        Writer to = new Writer();
        to.number(settings.set().size());
        for (SettingValue one : settings.set()) {
            to.text(one.key());
            to.text(one.value());
        }
        return to;
    }

    private static Writer limits(ClusterMap map) {
        Writer to = new Writer();
        List<VolumeInfo> limited = new ArrayList<>();
        for (VolumeInfo volume : map.volumes()) {
            if (!volume.limits().equals(VolumeLimits.NONE)) {
                limited.add(volume);
            }
        }
        to.number(limited.size());
        for (VolumeInfo volume : limited) {
            to.number(volume.volumeId());
            to.number(volume.limits().iops());
            to.number(volume.limits().bytesPerSecond());
            to.number(volume.limits().burstSeconds());
        }
        return to;
    }

    private static Writer moves(ClusterMap map) {
        Writer to = new Writer();
        List<PgConfig> moving = new ArrayList<>();
        for (int pg = 0; pg < map.pgCount(); pg++) {
            if (map.pg(pg).move() != null) {
                moving.add(map.pg(pg));
            }
        }
        to.number(moving.size());
        for (PgConfig pg : moving) {
            PgConfig.Move move = pg.move();
            to.number(pg.pg());
            to.number(move == null ? 0 : move.from());
            to.number(move == null ? 0 : move.to());
        }
        return to;
    }

    private static Writer nodes(ClusterMap map) {
        Writer to = new Writer();
        List<NodeInfo> special = new ArrayList<>();
        for (NodeInfo node : map.nodes()) {
            if (node.removed() || node.maintenanceUntilMs() != 0) {
                special.add(node);
            }
        }
        to.number(special.size());
        for (NodeInfo node : special) {
            to.number(node.nodeId());
            to.number(node.maintenanceUntilMs());
            to.number(node.removed() ? 1 : 0);
        }
        return to;
    }

    private static void writePg(Writer to, PgConfig pg) {
        to.number(pg.epoch());
        to.number(pg.members().size());
        for (PgConfig.Member member : pg.members()) {
            to.number(member.diskId());
            to.number(member.bootId());
            to.number(MEMBER_STATES.indexOf(member.state()));
        }
    }

    private static void writeNode(Writer to, NodeInfo node) {
        to.number(node.nodeId());
        to.text(node.name());
        to.text(node.domain());
        to.text(node.hostId());
        to.number(node.addresses().size());
        node.addresses().forEach(to::text);
    }

    private static void writeDisk(Writer to, DiskInfo disk) {
        to.number(disk.diskId());
        to.fixed(disk.uuidHigh());
        to.fixed(disk.uuidLow());
        to.number(disk.nodeId());
        to.text(disk.domain());
        to.number(disk.weight());
        to.number(disk.bootId());
        to.number(disk.startCount());
        to.number(DISK_STATES.indexOf(disk.state()));
    }

    private static void writeVolume(Writer to, VolumeInfo volume) {
        to.number(volume.volumeId());
        to.text(volume.name());
        to.number(volume.sizeBytes());
        to.number(DURABILITIES.indexOf(volume.durability()));
        to.number(volume.snapshotSequence());
        to.number(volume.lastTerm());
        Attachment attachment = volume.attachment();
        to.number(attachment == null ? 0 : attachment.term());
        if (attachment != null) {
            to.number(attachment.gatewayId());
            to.number(attachment.migrateTo());
        }
        to.number(volume.cleanlyDetached() ? 1 : 0);
        to.number(volume.createdAtMs());
        to.number(volume.deletedAtMs());
    }

    /// The map that was encoded, as an update from revision 0; null where the bytes are not one, or
    /// one of a newer format.
    public static @Nullable MapUpdate decode(byte[] bytes) {
        try {
            Reader from = new Reader(ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN));
            int format = from.count();
            if (format != FORMAT && format != FORMAT_WITHOUT_ADDITIONS) {
                return null;
            }
            MapUpdate update = read(from, format);
            return from.in.hasRemaining() ? null : update;
        } catch (RuntimeException e) {
            // Cut, or nonsense: numbers out of range, text that ends behind the end.
            return null;
        }
    }

    private static MapUpdate read(Reader from, int format) {
        long revision = from.number();
        long high = from.fixed();
        long low = from.fixed();
        int replicas = from.count();
        int pgCount = from.count();
        List<PgConfig> pgs = new ArrayList<>();
        for (int pg = 0; pg < pgCount; pg++) {
            pgs.add(readPg(from, pg));
        }
        List<NodeInfo> nodes = from.list(() -> readNode(from));
        List<DiskInfo> disks = from.list(() -> readDisk(from));
        List<GatewayInfo> gateways =
                from.list(() -> new GatewayInfo(from.number(), from.text(), from.text()));
        List<VolumeInfo> volumes = from.list(() -> readVolume(from));
        ClusterInfo cluster = new ClusterInfo(high, low, pgCount, replicas);
        List<SettingValue> settings = List.of();
        int additions = format == FORMAT_WITHOUT_ADDITIONS ? 0 : from.count();
        for (int n = 0; n < additions; n++) {
            int what = from.count();
            Reader addition = from.part();
            if (what == LIMITS) {
                volumes = limited(volumes, addition);
            } else if (what == SETTINGS) {
                settings = addition.list(() -> new SettingValue(addition.text(), addition.text()));
            } else if (what == MOVES) {
                readMoves(pgs, addition);
            } else if (what == NODES) {
                readNodes(nodes, addition);
            }
        }
        return new MapUpdate(
                0, revision, cluster, nodes, disks, gateways, pgs, volumes, List.of(), settings);
    }

    private static List<VolumeInfo> limited(List<VolumeInfo> volumes, Reader from) {
        TreeMap<Long, VolumeLimits> limits = new TreeMap<>();
        for (int left = from.count(); left > 0; left--) {
            limits.put(from.number(), new VolumeLimits(from.number(), from.number(), from.count()));
        }
        List<VolumeInfo> all = new ArrayList<>();
        for (VolumeInfo volume : volumes) {
            all.add(volume.withLimits(limits.getOrDefault(volume.volumeId(), VolumeLimits.NONE)));
        }
        return all;
    }

    private static void readMoves(List<PgConfig> pgs, Reader from) {
        for (int left = from.count(); left > 0; left--) {
            PgConfig pg = pgs.get(from.count());
            PgConfig.Move move = new PgConfig.Move(from.count(), from.count());
            pgs.set(pg.pg(), new PgConfig(pg.pg(), pg.epoch(), pg.members(), move));
        }
    }

    private static void readNodes(List<NodeInfo> nodes, Reader from) {
        for (int left = from.count(); left > 0; left--) {
            int nodeId = from.count();
            long untilMs = from.number();
            boolean removed = from.number() != 0;
            nodes.replaceAll(node -> {
                NodeInfo read = node.withMaintenance(untilMs);
                return node.nodeId() != nodeId ? node : removed ? read.asRemoved() : read;
            });
        }
    }

    private static PgConfig readPg(Reader from, int pg) {
        long epoch = from.number();
        List<PgConfig.Member> members =
                from.list(() ->
                        new PgConfig.Member(
                                from.count(), from.number(), MEMBER_STATES.get(from.count())));
        return new PgConfig(pg, epoch, members);
    }

    private static NodeInfo readNode(Reader from) {
        return new NodeInfo(
                from.count(), from.text(), from.text(), from.text(), from.list(from::text));
    }

    private static DiskInfo readDisk(Reader from) {
        return new DiskInfo(
                from.count(),
                from.fixed(),
                from.fixed(),
                from.count(),
                from.text(),
                from.number(),
                from.number(),
                from.number(),
                DISK_STATES.get(from.count()));
    }

    private static VolumeInfo readVolume(Reader from) {
        long volumeId = from.number();
        String name = from.text();
        long sizeBytes = from.number();
        Durability durability = DURABILITIES.get(from.count());
        int snapshotSequence = from.count();
        long lastTerm = from.number();
        long term = from.number();
        Attachment attachment =
                term == 0 ? null : new Attachment(from.number(), term, from.number());
        return new VolumeInfo(
                volumeId,
                name,
                sizeBytes,
                durability,
                snapshotSequence,
                lastTerm,
                attachment,
                from.number() != 0,
                from.number(),
                from.number());
    }

    /// Numbers seven bits a byte, the lowest first, the top bit set in all but the last.
    private static final class Writer {
        private byte[] out = new byte[4096];
        private int length;

        void number(long value) {
            room(10);
            long rest = value;
            while ((rest & ~0x7FL) != 0) {
                out[length++] = (byte) (rest | 0x80);
                rest >>>= 7;
            }
            out[length++] = (byte) rest;
        }

        void fixed(long value) {
            room(8);
            ByteBuffer.wrap(out).order(ByteOrder.LITTLE_ENDIAN).putLong(length, value);
            length += 8;
        }

        void text(String value) {
            byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
            number(bytes.length);
            room(bytes.length);
            System.arraycopy(bytes, 0, out, length, bytes.length);
            length += bytes.length;
        }

        void addition(int what, Writer body) {
            number(what);
            number(body.length);
            room(body.length);
            System.arraycopy(body.out, 0, out, length, body.length);
            length += body.length;
        }

        private void room(int bytes) {
            if (out.length - length < bytes) {
                out = Arrays.copyOf(out, Math.max(2 * out.length, length + bytes));
            }
        }

        byte[] bytes() {
            return Arrays.copyOf(out, length);
        }
    }

    private static final class Reader {
        private final ByteBuffer in;

        Reader(ByteBuffer in) {
            this.in = in;
        }

        long number() {
            long value = 0;
            for (int shift = 0; shift < 64; shift += 7) {
                byte part = in.get();
                value |= (part & 0x7FL) << shift;
                if (part >= 0) {
                    return value;
                }
            }
            throw new IllegalArgumentException("a number without end");
        }

        int count() {
            return Math.toIntExact(number());
        }

        long fixed() {
            return in.getLong();
        }

        String text() {
            int length = count();
            if (length < 0 || length > in.remaining()) {
                throw new IllegalArgumentException("a text behind the end");
            }
            byte[] bytes = new byte[length];
            in.get(bytes);
            return new String(bytes, StandardCharsets.UTF_8);
        }

        /// What follows, as long as it says.
        Reader part() {
            int length = count();
            if (length < 0 || length > in.remaining()) {
                throw new IllegalArgumentException("a part behind the end");
            }
            ByteBuffer part = in.slice(in.position(), length).order(in.order());
            in.position(in.position() + length);
            return new Reader(part);
        }

        <T> List<T> list(Supplier<T> each) {
            int count = count();
            List<T> list = new ArrayList<>();
            for (int n = 0; n < count; n++) {
                list.add(each.get());
            }
            return list;
        }
    }
}
