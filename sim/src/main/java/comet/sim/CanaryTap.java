package comet.sim;

import comet.base.Buf;
import comet.base.Crc;
import comet.base.Prng;
import comet.base.Sizes;
import comet.cluster.MapUpdate;
import comet.cluster.MemberState;
import comet.cluster.PgConfig;
import comet.cluster.VolumeInfo;
import comet.meta.GroupImage;
import comet.meta.Remake;
import comet.store.Disk;
import comet.wire.BlockState;
import comet.wire.ChunkRequest;
import comet.wire.Frame;
import comet.wire.MessageType;
import comet.wire.ReadReply;
import comet.wire.Status;
import comet.wire.SyncRequest;
import comet.wire.WriteRequest;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Leaves out one rule by falsifying what crosses the links, see [Canary].
final class CanaryTap implements SimNet.Tap {
    /// Longer than a takeover and an opening take.
    private static final long HELD_NS = 30_000_000;

    private final Cluster cluster;
    private final Canary canary;
    private final Prng prng;
    private final Crc crc = new Crc();

    /// Connections over which somebody has written.
    private final Set<SimLink> writers = new LinkedHashSet<>();

    CanaryTap(Cluster cluster, Canary canary, Prng prng) {
        this.cluster = cluster;
        this.canary = canary;
        this.prng = prng;
    }

    @Override
    public @Nullable Frame onSend(SimLink.End from, Frame frame) {
        boolean client = from.isClient;
        int type = frame.type();
        switch (canary) {
            case SERVE_ROT -> {
                boolean guests = from.link().lane == comet.wire.Lane.READ.code;
                if (!client && guests && type == MessageType.READ_REPLY) {
                    rot(from, frame);
                }
            }
            case LOSE_BLOCKS -> {
                boolean second = from.link().diskId % 2 == 0;
                if (type == MessageType.WRITE && second && prng.chance(1, 20)) {
                    return versionOnly(from, frame);
                }
            }
            case FORGET_KEPT_WRITES -> {
                if (type == MessageType.WRITE && (frame.flags() & WriteRequest.RESEND) != 0) {
                    return versionOnly(from, frame);
                }
            }
            case NO_SYNC -> {
                if (type == MessageType.WRITE) {
                    from.link().lastWrite = WriteRequest.sequence(frame);
                } else if (type == MessageType.SYNC) {
                    return answerSync(from, frame);
                }
            }
            case SKIP_LEVELLING -> {
                if (type == MessageType.LEVEL) {
                    return answerLevel(from, frame);
                }
            }
            case NO_REPAIR -> {
                if (from.isClient && from.link().lane == comet.wire.Lane.PEER.code) {
                    frame.release();
                    return null;
                }
            }
            case COMPARE_NOTHING -> {
                boolean asks = (frame.flags() & ChunkRequest.VERSION_ONLY) != 0;
                if (type == MessageType.BLOCKS && asks) {
                    return answerBusy(from, frame);
                }
            }
            case NONE,
                    FORGET_BOOKS,
                    FORGET_OWN_BOOK,
                    TERMS_GO_BACK,
                    LEAVE_EARLY,
                    DROP_EARLY,
                    IN_SYNC_AT_ONCE,
                    BLIND_SCRUB,
                    SERVE_WHILE_RECOVERING,
                    LIE_ABOUT_SYNC,
                    RECORD_BEFORE_DATA -> {}
            case NO_FENCE -> meetOlder(from.link(), type);
        }
        return frame;
    }

    @Override
    public void onDeliver(SimLink.End to, Frame frame) {
        if (canary == Canary.NO_FENCE && frame.type() == MessageType.OPEN) {
            long known = fence(to.link().diskId, SyncRequest.volumeId(frame));
            SyncRequest.term(frame, Math.max(1, Math.min(known, SyncRequest.term(frame))));
        }
    }

    /// Writes are slow, and what older writers have under way reaches the disk right behind the
    /// answer to an opening: soon enough to find chunks as they know them.
    private void meetOlder(SimLink link, int type) {
        if (type == MessageType.WRITE) {
            writers.add(link);
            if (prng.chance(1, 4)) {
                link.stall(HELD_NS);
            }
        } else if (type == MessageType.OPEN_REPLY) {
            for (SimLink other : writers) {
                if (other.diskId == link.diskId && other.clientId != link.clientId) {
                    other.heal();
                }
            }
        }
    }

    /// The newest term that a disk has seen of a volume.
    private long fence(int diskId, long volumeId) {
        for (SimNode node : cluster.nodes()) {
            for (SimDisk disk : node.disks()) {
                Disk store = disk.disk();
                if (disk.diskId() == diskId && store != null) {
                    return store.fence(volumeId);
                }
            }
        }
        return 0;
    }

    /// A group that was made anew, with the terms of the newest copy.
    static GroupImage wrong(Canary canary, GroupImage image) {
        if (canary != Canary.TERMS_GO_BACK) {
            return image;
        }
        List<VolumeInfo> volumes = new ArrayList<>();
        for (VolumeInfo volume : image.everything().volumes()) {
            volumes.add(withTerm(volume, volume.lastTerm() - Remake.TERM_GAP));
        }
        MapUpdate all = image.everything();
        return new GroupImage(
                new MapUpdate(
                        0,
                        all.revision(),
                        all.cluster(),
                        all.nodes(),
                        all.disks(),
                        all.gateways(),
                        all.pgs(),
                        volumes,
                        List.of(),
                        all.settings()),
                image.nextNodeId(),
                image.nextDiskId(),
                image.nextGatewayId(),
                image.nextVolumeId(),
                image.diskStarts(),
                image.gatewayLives(),
                image.purged(),
                image.answered(),
                image.events(),
                image.members(),
                image.formerMembers());
    }

    private static VolumeInfo withTerm(VolumeInfo volume, long term) {
        return new VolumeInfo(
                volume.volumeId(),
                volume.name(),
                volume.sizeBytes(),
                volume.durability(),
                volume.snapshotSequence(),
                term,
                volume.attachment(),
                false,
                volume.createdAtMs(),
                volume.deletedAtMs(),
                volume.limits());
    }

    /// A write that changes the chunk's version only.
    private static Frame versionOnly(SimLink.End from, Frame frame) {
        Frame hollow = from.process.frames().take();
        hollow.resizeHead(88);
        System.arraycopy(frame.head(), 0, hollow.head(), 0, 88);
        hollow.putByte(72, WriteRequest.OP_TRIM);
        hollow.putShort(76, 0);
        frame.release();
        return hollow;
    }

    private static @Nullable Frame answerSync(SimLink.End from, Frame frame) {
        Frame reply = from.process.frames().take();
        int count = SyncRequest.count(frame);
        long durable = from.link().lastWrite;
        SyncRequest.startReply(reply, MessageType.SYNC_REPLY, frame.requestId(), durable, count);
        for (int n = 0; n < count; n++) {
            SyncRequest.entry(
                    reply, n, SyncRequest.pg(frame, n), Status.OK, SyncRequest.epoch(frame, n));
        }
        from.inject(reply);
        frame.release();
        return null;
    }

    private static @Nullable Frame answerLevel(SimLink.End from, Frame frame) {
        Frame reply = from.process.frames().take();
        ChunkRequest.levelReply(
                reply,
                frame.requestId(),
                Status.OK,
                ChunkRequest.epoch(frame),
                ChunkRequest.version(frame));
        from.inject(reply);
        frame.release();
        return null;
    }

    private static @Nullable Frame answerBusy(SimLink.End from, Frame frame) {
        Frame reply = from.process.frames().take();
        long epoch = ChunkRequest.epoch(frame);
        ChunkRequest.blocksReply(reply, frame.requestId(), Status.BUSY, epoch, 0, 0);
        from.inject(reply);
        frame.release();
        return null;
    }

    /// Rotten bytes with a checksum that fits them.
    private void rot(SimLink.End from, Frame frame) {
        if (!frame.hasData() || !prng.chance(1, 10)) {
            return;
        }
        // Of its own: the replica goes on using what it has.
        int length = frame.dataBytes();
        Buf data = from.process.bufs().take(length);
        data.copyFrom(0, frame.data(), frame.dataOffset(), length);
        frame.takeData().release();
        frame.data(data, 0, length);
        int at = 0;
        data.bytes().put(at + 100, (byte) (data.bytes().get(at + 100) ^ 4));
        for (int n = 0; n < ReadReply.blockCount(frame); n++) {
            if (ReadReply.state(frame, n) == BlockState.DATA) {
                ReadReply.block(frame, n, BlockState.DATA, crc.of(data, at, Sizes.BLOCK_BYTES));
                return;
            }
        }
    }

    /// What the group makes of a configuration where it leaves out a rule, or null.
    static @Nullable PgConfig wrong(Canary canary, PgConfig pg) {
        PgConfig.Move move = pg.move();
        PgConfig.Member joining = move == null ? null : pg.member(move.to());
        if (move == null || joining == null || joining.state() != MemberState.RECOVERING) {
            return null;
        }
        List<PgConfig.Member> members = new ArrayList<>(pg.members());
        return switch (canary) {
            case LEAVE_EARLY -> {
                members.removeIf(member -> member.diskId() == move.from());
                yield new PgConfig(pg.pg(), pg.epoch() + 1, members);
            }
            case IN_SYNC_AT_ONCE -> {
                members.remove(joining);
                members.add(
                        new PgConfig.Member(
                                joining.diskId(), joining.bootId(), MemberState.IN_SYNC));
                yield new PgConfig(pg.pg(), pg.epoch() + 1, members, move);
            }
            default -> null;
        };
    }

    /// What a process is told of the map.
    ///
    /// @param node null for a gateway
    static MapUpdate filter(Canary canary, MapUpdate update, @Nullable SimNode node) {
        if (canary != Canary.SERVE_WHILE_RECOVERING && canary != Canary.DROP_EARLY) {
            return update;
        }
        List<PgConfig> pgs = new ArrayList<>();
        for (PgConfig pg : update.pgs()) {
            List<PgConfig.Member> members = new ArrayList<>(pg.members());
            PgConfig.Move move = pg.move();
            if (canary == Canary.SERVE_WHILE_RECOVERING) {
                members.replaceAll(
                        m -> new PgConfig.Member(m.diskId(), m.bootId(), MemberState.IN_SYNC));
            } else if (move != null
                    && node != null
                    && node.disks().stream().anyMatch(disk -> disk.diskId() == move.from())) {
                members.removeIf(member -> member.diskId() == move.from());
            }
            pgs.add(new PgConfig(pg.pg(), pg.epoch(), members, move));
        }
        return new MapUpdate(
                update.after(),
                update.revision(),
                update.cluster(),
                update.nodes(),
                update.disks(),
                update.gateways(),
                pgs,
                update.volumes(),
                update.purgedVolumes(),
                update.settings(),
                update.scrubOrders(),
                update.scrubReports());
    }
}
