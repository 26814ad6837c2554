package comet.volume;

import comet.base.Crc;
import comet.base.Prng;
import comet.base.Sizes;
import comet.base.Versions;
import comet.cluster.MemberState;
import comet.cluster.PgConfig;
import comet.port.Connection;
import comet.wire.BlockState;
import comet.wire.ChunkList;
import comet.wire.ChunkRequest;
import comet.wire.Credit;
import comet.wire.CreditNeed;
import comet.wire.Frame;
import comet.wire.Hello;
import comet.wire.Lane;
import comet.wire.MessageType;
import comet.wire.ReadReply;
import comet.wire.ReadRequest;
import comet.wire.Status;
import comet.wire.SyncRequest;
import comet.wire.WriteReply;
import comet.wire.WriteRequest;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// A replica, written for the tests from the protocol's rules alone: chunks in memory, what is
/// synced in a second copy, which is all that a loss of power leaves.
final class FakeDisk implements Connection.Acceptor {
    static final class Chunk {
        long version;
        final int[] state = new int[Sizes.CHUNK_BLOCKS];
        final long[] versions = new long[Sizes.CHUNK_BLOCKS];
        final byte[] @Nullable [] data = new byte[Sizes.CHUNK_BLOCKS][];

        Chunk copy() {
            Chunk copy = new Chunk();
            copy.version = version;
            System.arraycopy(state, 0, copy.state, 0, state.length);
            System.arraycopy(versions, 0, copy.versions, 0, versions.length);
            System.arraycopy(data, 0, copy.data, 0, data.length);
            return copy;
        }
    }

    record Key(long volumeId, int chunk) implements Comparable<Key> {
        @Override
        public int compareTo(Key o) {
            return volumeId != o.volumeId
                    ? Long.compare(volumeId, o.volumeId)
                    : Integer.compare(chunk, o.chunk);
        }
    }

    final FakeLoop loop;
    final FakeNet net;
    final FakeMeta meta;
    final Prng prng;
    final int diskId;
    final TreeMap<Integer, FakeDisk> others;
    long bootId;
    TreeMap<Key, Chunk> chunks = new TreeMap<>();
    TreeMap<Key, Chunk> durable = new TreeMap<>();
    final TreeMap<Key, Chunk> changed = new TreeMap<>();
    final TreeMap<Long, Long> fences = new TreeMap<>();
    final List<Conn> conns = new ArrayList<>();
    final Crc crc = new Crc();
    boolean up = true;
    boolean syncing = true;
    long creditWindow = 1 << 20;
    long features;
    long neededBytes;
    long returnedBytes;
    boolean full;
    private boolean fullIsTold;

    /// Answers to writes are kept back.
    boolean withhold;

    /// Syncs are done and their answers kept back.
    boolean withholdSyncs;

    /// Answers to reads are kept back.
    boolean withholdReads;

    /// How long each read takes.
    long readNs;

    /// How much longer than usual a sync takes.
    long syncNs;

    /// How long an answer to a write takes; 0: none at all.
    long writeNs;

    long readsSeen;

    final List<Runnable> withheld = new ArrayList<>();
    int corruptReads;
    int flippedReads;
    long applied;
    long writesSeen;
    long levels;
    long life;

    FakeDisk(
            FakeLoop loop,
            FakeNet net,
            FakeMeta meta,
            Prng prng,
            int diskId,
            TreeMap<Integer, FakeDisk> others) {
        this.loop = loop;
        this.net = net;
        this.meta = meta;
        this.prng = prng;
        this.diskId = diskId;
        this.others = others;
        bootId = 100L * diskId + 1;
        others.put(diskId, this);
        meta.addDisk(diskId, bootId);
        net.servers.put("disk:" + diskId, this);
    }

    /// Ends the process; with `power` what was not synced is gone. It stays down until [#start].
    void kill(boolean power) {
        up = false;
        life++;
        net.servers.remove("disk:" + diskId);
        net.breakAll("disk:" + diskId);
        conns.clear();
        if (power) {
            chunks = new TreeMap<>();
            changed.clear();
            durable.forEach((key, chunk) -> chunks.put(key, chunk.copy()));
        }
    }

    void start(boolean newBoot) {
        up = true;
        if (newBoot) {
            bootId++;
            meta.reboot(diskId, bootId);
        }
        net.servers.put("disk:" + diskId, this);
    }

    /// Gives the answers that were kept back, and keeps back no more.
    void release() {
        withhold = false;
        withholdSyncs = false;
        withholdReads = false;
        List<Runnable> answers = List.copyOf(withheld);
        withheld.clear();
        answers.forEach(Runnable::run);
    }

    private void persist() {
        changed.forEach((key, ignored) -> durable.put(key, chunks.get(key).copy()));
        changed.clear();
    }

    void syncAll() {
        persist();
        for (Conn conn : conns) {
            conn.durableSequence = conn.answeredSequence;
        }
    }

    @Override
    public Connection.Handler onConnect(Connection connection) {
        Conn conn = new Conn(connection);
        conns.add(conn);
        return conn;
    }

    final class Conn implements Connection.Handler {
        final Connection connection;
        @Nullable Hello hello;
        long answeredSequence;
        long durableSequence;
        long received;
        long granted;
        final List<Frame> held = new ArrayList<>();
        final long myLife = life;
        TreeMap<Long, List<Integer>> opens = new TreeMap<>();
        TreeMap<Long, Long> openVolumes = new TreeMap<>();

        Conn(Connection connection) {
            this.connection = connection;
        }

        private void reply(Frame frame) {
            connection.send(frame);
        }

        @Override
        public void onClosed(String why) {
            conns.remove(this);
        }

        @Override
        public void onFrame(Frame f) {
            if (myLife != life) {
                f.release();
                return;
            }
            if (hello == null) {
                hello = Hello.decode(f);
                if (hello.clusterHigh() != 11
                        || hello.diskId() != diskId
                        || hello.diskUuidHigh() != diskId) {
                    reply(
                            net.frames
                                    .take()
                                    .start(MessageType.HELLO_REPLY, f.requestId(), 56)
                                    .status(Status.REFUSED));
                } else {
                    granted = hello.lane() == Lane.WRITE ? creditWindow : 0;
                    reply(
                            new Hello.Answer(1, diskId, features, bootId, granted)
                                    .encode(net.frames.take(), f.requestId()));
                }
                f.release();
                return;
            }
            switch (f.type()) {
                case MessageType.WRITE -> write(f);
                case MessageType.SYNC -> sync(f);
                case MessageType.OPEN -> open(f);
                case MessageType.LIST -> list(f);
                case MessageType.READ -> read(f);
                case MessageType.MAP -> map(f);
                case MessageType.LEVEL -> level(f);
                case MessageType.CREDIT_NEED -> {
                    neededBytes = CreditNeed.neededBytes(f);
                    returnedBytes += CreditNeed.returnedBytes(f);
                    received += CreditNeed.returnedBytes(f);
                }
                default -> throw new AssertionError("type " + f.type());
            }
            f.release();
        }

        private int check(long volumeId, long term, int pg, long epoch) {
            if (term != 0 && term < fences.getOrDefault(volumeId, 0L)) {
                return Status.FENCED;
            }
            PgConfig config = meta.map.pg(pg);
            if (config.epoch() > epoch) {
                return Status.OLD_EPOCH;
            }
            PgConfig.Member member = config.member(diskId);
            if (member == null
                    || member.bootId() != bootId
                    || member.state() == MemberState.STALE) {
                return Status.NOT_A_REPLICA;
            }
            if (term != 0) {
                fences.merge(volumeId, term, Math::max);
            }
            return Status.OK;
        }

        private void write(Frame f) {
            assert WriteRequest.valid(f);
            writesSeen++;
            long volume = WriteRequest.volumeId(f);
            int chunkIndex = WriteRequest.chunkIndex(f);
            int pg = WriteRequest.pg(f);
            long version = WriteRequest.version(f);
            int op = WriteRequest.op(f);
            long cost =
                    op == WriteRequest.OP_DATA ? (long) WriteRequest.blockCount(f) * 4096 : 4096;
            if ((f.flags() & WriteRequest.RESEND) == 0) {
                received += cost;
                if (received > granted) {
                    throw new AssertionError("more sent than granted");
                }
            }
            int status = check(volume, Versions.term(version), pg, WriteRequest.epoch(f));
            long epoch = meta.map.pg(pg).epoch();
            Key key = new Key(volume, chunkIndex);
            Chunk chunk = chunks.get(key);
            long mine = chunk == null ? 0 : chunk.version;
            if (status == Status.OK) {
                boolean recovering =
                        meta.map.pg(pg).member(diskId).state() == MemberState.RECOVERING;
                if (mine == WriteRequest.previous(f)) {
                    apply(key, f);
                } else if (Versions.term(mine) == Versions.term(version) && mine >= version) {
                    status = Status.OK;
                } else {
                    status = recovering ? Status.NOTED : Status.WRONG_VERSION;
                }
            }
            long now = chunks.containsKey(key) ? chunks.get(key).version : 0;
            if (status == Status.OK || status == Status.NOTED) {
                if ((f.flags() & WriteRequest.DURABLE) != 0) {
                    answeredSequence = WriteRequest.sequence(f);
                    syncAll();
                }
                answeredSequence = WriteRequest.sequence(f);
            }
            granted = Math.max(granted, received + window());
            Frame answer =
                    WriteReply.encode(
                            net.frames.take(),
                            f.requestId(),
                            status,
                            epoch,
                            now,
                            durableSequence,
                            granted);
            if (withhold) {
                withheld.add(() -> reply(answer));
            } else if (writeNs > 0) {
                loop.schedule(writeNs, () -> reply(answer));
            } else {
                reply(answer);
            }
        }

        private void sync(Frame f) {
            Frame copy = net.frames.take();
            copy.resizeHead(f.headBytes());
            System.arraycopy(f.head(), 0, copy.head(), 0, f.headBytes());
            if (withholdSyncs) {
                persist();
                long covered = answeredSequence;
                withheld.add(() -> {
                    durableSequence = Math.max(durableSequence, covered);
                    answerSync(copy);
                });
                return;
            }
            loop.schedule(syncNs + prng.nextLong(2_000_000), () -> finishSync(copy));
        }

        private void finishSync(Frame f) {
            if (myLife != life || !syncing) {
                f.release();
                return;
            }
            syncAll();
            answerSync(f);
        }

        private void answerSync(Frame f) {
            int count = SyncRequest.count(f);
            Frame r = net.frames.take();
            SyncRequest.startReply(
                    r, MessageType.SYNC_REPLY, f.requestId(), durableSequence, count);
            for (int n = 0; n < count; n++) {
                int pg = SyncRequest.pg(f, n);
                int status = check(SyncRequest.volumeId(f), 0, pg, SyncRequest.epoch(f, n));
                SyncRequest.entry(r, n, pg, status, meta.map.pg(pg).epoch());
            }
            reply(r);
            f.release();
        }

        private void open(Frame f) {
            long volume = SyncRequest.volumeId(f);
            long term = SyncRequest.term(f);
            int count = SyncRequest.count(f);
            Frame r = net.frames.take();
            SyncRequest.startReply(
                    r, MessageType.OPEN_REPLY, f.requestId(), durableSequence, count);
            if (term < fences.getOrDefault(volume, 0L)) {
                r.status(Status.FENCED);
                reply(r);
                return;
            }
            fences.put(volume, term);
            syncAll();
            List<Integer> pgs = new ArrayList<>();
            for (int n = 0; n < count; n++) {
                int pg = SyncRequest.pg(f, n);
                int status = check(volume, term, pg, SyncRequest.epoch(f, n));
                SyncRequest.entry(r, n, pg, status, meta.map.pg(pg).epoch());
                if (status == Status.OK) {
                    pgs.add(pg);
                }
            }
            opens.put(f.requestId(), pgs);
            openVolumes.put(f.requestId(), volume);
            reply(r);
        }

        private void list(Frame f) {
            List<Integer> pgs = opens.get(ChunkList.openId(f));
            long volume = openVolumes.get(ChunkList.openId(f));
            List<Key> page = new ArrayList<>();
            boolean more = false;
            for (Key key : chunks.keySet()) {
                int pg = pg(key);
                if (key.volumeId == volume && key.chunk > ChunkList.after(f) && pgs.contains(pg)) {
                    if (page.size() == 3) {
                        more = true;
                        break;
                    }
                    page.add(key);
                }
            }
            Frame r = net.frames.take();
            ChunkList.startReply(
                    r, MessageType.LIST_REPLY, f.requestId(), Status.OK, 0, page.size(), more);
            for (int n = 0; n < page.size(); n++) {
                Key key = page.get(n);
                ChunkList.entry(r, n, key.volumeId, key.chunk, pg(key), chunks.get(key).version);
            }
            reply(r);
        }

        private int pg(Key key) {
            return comet.cluster.PgHash.of(key.volumeId, key.chunk, meta.map.pgCount());
        }

        private void read(Frame f) {
            readsSeen++;
            int status =
                    check(
                            ReadRequest.volumeId(f),
                            ReadRequest.term(f),
                            ReadRequest.pg(f),
                            ReadRequest.epoch(f));
            long epoch = meta.map.pg(ReadRequest.pg(f)).epoch();
            Chunk chunk = chunks.get(new Key(ReadRequest.volumeId(f), ReadRequest.chunkIndex(f)));
            int count = status == Status.OK ? ReadRequest.blockCount(f) : 0;
            Frame r = net.frames.take();
            ReadReply.start(
                    r,
                    f.requestId(),
                    status,
                    epoch,
                    chunk == null ? 0 : chunk.version,
                    count,
                    false);
            comet.base.Buf data = net.bufs.take(Math.max(1, count * 4096));
            int dataBlocks = 0;
            for (int n = 0; n < count; n++) {
                int block = ReadRequest.firstBlock(f) + n;
                int state = chunk == null ? BlockState.ABSENT : chunk.state[block];
                if (state == BlockState.DATA && corruptReads > 0) {
                    corruptReads--;
                    state = BlockState.CORRUPT;
                }
                int sum = 0;
                if (state == BlockState.DATA) {
                    data.bytes().put(dataBlocks * 4096, chunk.data[block]);
                    sum = crc.of(chunk.data[block], 0, 4096);
                    if (flippedReads > 0) {
                        flippedReads--;
                        int at = dataBlocks * 4096 + 17;
                        data.bytes().put(at, (byte) (data.bytes().get(at) ^ 4));
                    }
                    dataBlocks++;
                }
                ReadReply.block(r, n, state, sum);
            }
            ReadReply.dataBlocks(r, dataBlocks);
            r.data(data, 0, dataBlocks * 4096);
            if (withholdReads) {
                withheld.add(() -> reply(r));
            } else {
                loop.schedule(readNs, () -> reply(r));
            }
        }

        private void map(Frame f) {
            int status =
                    check(
                            ChunkRequest.volumeId(f),
                            ChunkRequest.term(f),
                            ChunkRequest.pg(f),
                            ChunkRequest.epoch(f));
            Chunk chunk = chunks.get(new Key(ChunkRequest.volumeId(f), ChunkRequest.chunkIndex(f)));
            Frame r = net.frames.take();
            ChunkRequest.mapReply(
                    r,
                    f.requestId(),
                    status,
                    meta.map.pg(ChunkRequest.pg(f)).epoch(),
                    chunk == null ? 0 : chunk.version);
            for (int n = 0; chunk != null && n < Sizes.CHUNK_BLOCKS; n++) {
                ChunkRequest.mapState(r, n, chunk.state[n]);
            }
            reply(r);
        }

        private void level(Frame f) {
            levels++;
            Key key = new Key(ChunkRequest.volumeId(f), ChunkRequest.chunkIndex(f));
            int status =
                    check(
                            ChunkRequest.volumeId(f),
                            ChunkRequest.term(f),
                            ChunkRequest.pg(f),
                            ChunkRequest.epoch(f));
            FakeDisk source = others.get(ChunkRequest.sourceDiskId(f));
            Chunk from = source.chunks.get(key);
            if (status == Status.OK && !source.up) {
                status = Status.BUSY;
            }
            if (status == Status.OK && (from == null || from.version != ChunkRequest.version(f))) {
                status = Status.WRONG_VERSION;
            }
            if (status == Status.OK) {
                chunks.put(key, from.copy());
                durable.put(key, from.copy());
            }
            reply(
                    ChunkRequest.levelReply(
                            net.frames.take(),
                            f.requestId(),
                            status,
                            meta.map.pg(ChunkRequest.pg(f)).epoch(),
                            chunks.containsKey(key) ? chunks.get(key).version : 0));
        }
    }

    /// Says, unasked, that everything up to this write of its connections is durable.
    void report(long upTo) {
        for (Conn conn : conns) {
            if (conn.hello != null && conn.hello.lane() == Lane.WRITE) {
                conn.connection.send(Credit.encode(net.frames.take(), conn.granted, upTo, 0));
            }
        }
        loop.runFor(10_000_000);
    }

    void credit() {
        credit(0);
    }

    void recall() {
        creditWindow = 0;
        credit(Credit.RECALL);
        loop.runFor(10_000_000);
    }

    private long window() {
        if (!full) {
            return creditWindow;
        }
        return fullIsTold ? Credit.WITHOUT_DATA_BYTES : 0;
    }

    private void credit(int flags) {
        fullIsTold = full;
        for (Conn conn : conns) {
            if (conn.hello != null && conn.hello.lane() == Lane.WRITE) {
                conn.granted = Math.max(conn.granted, conn.received + window());
                conn.connection.send(
                        Credit.encode(
                                net.frames.take(),
                                conn.granted,
                                conn.durableSequence,
                                flags | (full ? Credit.FULL : 0)));
            }
        }
    }

    void apply(Key key, Frame f) {
        applied++;
        Chunk chunk = chunks.computeIfAbsent(key, k -> new Chunk());
        chunk.version = WriteRequest.version(f);
        for (int n = 0; n < WriteRequest.blockCount(f); n++) {
            int block = WriteRequest.firstBlock(f) + n;
            chunk.versions[block] = chunk.version;
            switch (WriteRequest.op(f)) {
                case WriteRequest.OP_DATA -> {
                    byte[] bytes = new byte[4096];
                    f.data().bytes().get(f.dataOffset() + n * 4096, bytes);
                    if (crc.of(bytes, 0, 4096) != WriteRequest.crc(f, n)) {
                        throw new AssertionError("wrong checksum of a write");
                    }
                    chunk.state[block] = BlockState.DATA;
                    chunk.data[block] = bytes;
                }
                case WriteRequest.OP_ZERO -> chunk.state[block] = BlockState.ZERO;
                default -> chunk.state[block] = BlockState.ABSENT;
            }
        }
        changed.put(key, chunk);
    }
}
