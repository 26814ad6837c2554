package comet.volume;

import comet.base.Sizes;
import comet.base.Versions;
import comet.cluster.PgConfig;
import comet.port.Events.Level;
import comet.wire.BlockState;
import comet.wire.Frame;
import comet.wire.ReadReply;
import comet.wire.ReadRequest;
import comet.wire.Status;
import org.jspecify.annotations.Nullable;

/// Where a read goes and what becomes of the answer: the IN_SYNC member with the fewest bytes to
/// read, one on this host first; another where blocks fail their checksum, are lost, or the chunk
/// is older than what was complete when the read was sent.
final class ReadPlan {
    /// A replica elsewhere is preferred to one on this host only if so much less waits there.
    private static final long SAME_HOST_BYTES = 1 << 20;

    /// So often at most is it told that a replica is behind, and the map asked for what is new:
    /// such reads are tried again all the time.
    private static final long STALE_NS = GatewayConfig.SECOND_NS;

    /// A slow member is asked where no other one is, and now and then, to see whether it still is.
    private static final long SLOW_BYTES = 1L << 40;

    private static final int ASK_SLOW_EVERY = 256;

    private final Volume volume;
    private final Gateway gateway;
    private int turn;
    private long staleNextNs = Long.MIN_VALUE;

    ReadPlan(Volume volume) {
        this.volume = volume;
        gateway = volume.gateway();
    }

    void send(ReadPart part) {
        VolumePg pg = part.pg;
        if (part.epoch != pg.epoch) {
            part.epoch = pg.epoch;
            part.triedBad = 0;
            part.triedNow = 0;
        }
        int member = choose(pg, part.triedBad | part.triedNow);
        if (member >= 0) {
            ask(part, member);
        } else if (allIn(pg, part.triedBad)) {
            gateway.events()
                    .event(
                            Level.WARN,
                            "block-lost",
                            "volume=" + volume.id() + " chunk=" + part.chunkIndex);
            part.fail();
        } else {
            part.triedNow = 0;
            volume.retryLater(part);
        }
    }

    /// Reads with term 0 need no opened PG, only its members.
    void sendLoose(ReadPart part) {
        VolumePg pg = part.pg;
        PgConfig config = gateway.map().pg(pg.pg);
        if (pg.phase == VolumePg.Phase.CLOSED && pg.epoch != config.epoch()) {
            pg.configure(config, gateway);
        }
        send(part);
    }

    /// Whether every member has said that it lacks a block. A RECOVERING one was not asked: it may
    /// have the only good copy, and is waited for, since its recovery ends with a new epoch.
    private static boolean allIn(VolumePg pg, int tried) {
        int members = (1 << pg.members) - 1;
        return members != 0 && (members & ~tried) == 0;
    }

    /// @return -1 where none can be asked now
    private int choose(VolumePg pg, int tried) {
        int best = -1;
        long least = Long.MAX_VALUE;
        long nowNs = gateway.loop().nowNs();
        turn++;
        for (int i = 0; i < pg.members; i++) {
            int m = (i + turn) % pg.members;
            if (!pg.inSync[m] || (tried & 1 << m) != 0) {
                continue;
            }
            DiskPeer peer = pg.peer(m);
            if (!pg.readable(m)) {
                peer.connect();
                continue;
            }
            long queued = peer.reads().bytes() + (peer.sameHost() ? 0 : SAME_HOST_BYTES);
            if (isSlow(pg, m, nowNs) && turn % ASK_SLOW_EVERY != 0) {
                queued += SLOW_BYTES;
            }
            if (queued < least) {
                least = queued;
                best = m;
            }
        }
        return best;
    }

    /// Whether another member that can be read is so much faster that this one should not be asked.
    private static boolean isSlow(VolumePg pg, int member, long nowNs) {
        ReadsInFlight reads = pg.peer(member).reads();
        if (reads.hangs(nowNs)) {
            return true;
        }
        for (int m = 0; m < pg.members; m++) {
            if (m != member
                    && pg.inSync[m]
                    && pg.readable(m)
                    && reads.slowerThan(pg.peer(m).reads())) {
                return true;
            }
        }
        return false;
    }

    /// Whether a read that was sent and waits is better asked of another member.
    boolean hasFaster(ReadPart part, long nowNs) {
        VolumePg pg = part.pg;
        if (part.epoch != pg.epoch || !isSlow(pg, part.member, nowNs)) {
            return false;
        }
        int tried = part.triedBad | part.triedNow | 1 << part.member;
        for (int m = 0; m < pg.members; m++) {
            boolean free = pg.inSync[m] && (tried & 1 << m) == 0 && pg.readable(m);
            if (free && !pg.peer(m).reads().hangs(nowNs)) {
                return true;
            }
        }
        return false;
    }

    private void ask(ReadPart part, int member) {
        DiskPeer peer = part.pg.peer(member);
        part.member = member;
        part.peer = peer;
        part.requestId = peer.read().register(part);
        part.completedAtSend = part.loose ? 0 : volume.completedVersion(part.chunkIndex);
        peer.reads().sent(part, gateway.loop().nowNs());
        Frame frame = gateway.frames().take();
        ReadRequest.encode(
                frame,
                part.requestId,
                volume.id(),
                part.chunkIndex,
                part.pg.pg,
                part.epoch,
                part.loose ? 0 : volume.term(),
                0,
                part.firstBlock,
                part.blockCount);
        peer.read().send(frame);
    }

    void onReply(ReadPart part, Frame reply) {
        VolumePg pg = part.pg;
        int status = reply.status();
        int bit = 1 << part.member;
        if (status == Status.OK && !ReadPart.valid(part, reply)) {
            pg.peer(part.member).read().reconnect("a malformed answer to a read");
            volume.retryLater(part);
            return;
        }
        if (status == Status.OK
                && ReadReply.epoch(reply) == part.epoch
                && part.epoch == pg.epoch
                && (part.loose || pg.phase == VolumePg.Phase.OPEN)) {
            if (Versions.compare(ReadReply.version(reply), part.completedAtSend) < 0) {
                part.triedNow |= bit;
                stale(part, reply);
                volume.retryLater(part);
            } else if (take(part, reply)) {
                part.succeed();
            } else {
                part.triedBad |= bit;
                part.advance();
            }
            return;
        }
        if (status == Status.FENCED) {
            volume.attachment().readFenced(part);
            return;
        }
        if (status == Status.OLD_EPOCH || status == Status.NOT_A_REPLICA) {
            volume.opening().trouble(pg);
        }
        part.triedNow |= bit;
        volume.retryLater(part);
    }

    /// @return whether all wanted blocks are there now
    private boolean take(ReadPart part, Frame reply) {
        int dataBlock = 0;
        int dataBlocks = ReadReply.dataBlocks(reply);
        for (int n = 0; n < part.blockCount; n++) {
            int state = ReadReply.state(reply, n);
            boolean ok = true;
            boolean zeros = state == BlockState.ABSENT || state == BlockState.ZERO;
            if (state == BlockState.DATA) {
                ok = dataBlock < dataBlocks && intact(reply, n, dataBlock);
            } else if (!zeros) {
                ok = false;
            }
            if (part.wanted(n)) {
                if (ok) {
                    part.takeBlock(reply, n, dataBlock, zeros);
                } else {
                    bad(part, n, state);
                }
                part.got(n, ok);
            }
            if (state == BlockState.DATA) {
                dataBlock++;
            }
        }
        return part.complete();
    }

    private boolean intact(Frame reply, int n, int dataBlock) {
        int at = reply.dataOffset() + dataBlock * Sizes.BLOCK_BYTES;
        return gateway.crc().of(reply.data(), at, Sizes.BLOCK_BYTES) == ReadReply.crc(reply, n);
    }

    private void bad(ReadPart part, int n, int state) {
        report("block-bad", part, "block=" + (part.firstBlock + n) + " state=" + state);
    }

    /// The replica has lost something that it had: the map will tell of its new boot or epoch.
    private void stale(ReadPart part, Frame reply) {
        long nowNs = gateway.loop().nowNs();
        if (nowNs < staleNextNs) {
            return;
        }
        staleNextNs = nowNs + STALE_NS;
        gateway.keeper().refresh();
        report("replica-behind", part, "version=" + Versions.text(ReadReply.version(reply)));
    }

    private void report(String code, ReadPart part, @Nullable String more) {
        gateway.events()
                .event(
                        Level.WARN,
                        code,
                        "volume="
                                + volume.id()
                                + " chunk="
                                + part.chunkIndex
                                + " disk="
                                + part.pg.peer(part.member).diskId()
                                + " "
                                + more);
    }
}
