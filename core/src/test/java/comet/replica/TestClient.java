package comet.replica;

import static org.assertj.core.api.Assertions.assertThat;

import comet.base.Buf;
import comet.base.Crc;
import comet.base.Sizes;
import comet.base.Versions;
import comet.cluster.PgHash;
import comet.port.Connection;
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
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// A client that speaks the real protocol by a test's script, on one connection.
final class TestClient implements Connection.Handler {
    /// Answer to a write.
    record Written(int status, long epoch, long version, long durable, long credit) {}

    /// Answer to a read: the states of the blocks and the first byte of those that are data.
    record Blocks(int status, long epoch, long version, List<Integer> states, List<Integer> fill) {}

    final Harness harness;
    final Connection connection;
    final ArrayDeque<Frame> inbox = new ArrayDeque<>();
    private final Crc crc = new Crc();
    private final long gatewayId;
    int helloStatus = -1;
    long credit;
    long creditFrameDurable;
    boolean full;
    int recalls;
    long features;
    boolean closed;
    long volumeId = 1;
    int flags;
    private long nextRequest = 100;
    private long nextSequence = 1;

    TestClient(Harness harness, int diskId, Lane lane, long gatewayId) {
        this(harness, diskId, lane, gatewayId, 0);
    }

    TestClient(Harness harness, int diskId, Lane lane, long gatewayId, long features) {
        this.harness = harness;
        this.gatewayId = gatewayId;
        this.features = features;
        connection = harness.net.dial("" + diskId, this);
        hello(harness.meta.cluster.clusterHigh(), lane, diskId, diskId);
        harness.loop.advance(2 * harness.net.delayNs);
    }

    void hello(long clusterHigh, Lane lane, int diskId, long uuid) {
        Hello hello =
                new Hello(
                        1,
                        1,
                        features,
                        clusterHigh,
                        88,
                        lane,
                        diskId,
                        uuid,
                        ~(long) diskId,
                        gatewayId);
        connection.send(hello.encode(harness.frames.take(), 1));
    }

    @Override
    public void onFrame(Frame frame) {
        if (frame.type() == MessageType.HELLO_REPLY) {
            helloStatus = frame.status();
            credit = Hello.Answer.decode(frame).creditBytes();
            features = Hello.Answer.decode(frame).features();
            frame.release();
        } else if (frame.type() == MessageType.CREDIT) {
            assertThat(Credit.valid(frame)).isTrue();
            credit = Credit.creditBytes(frame);
            creditFrameDurable = Credit.durableSequence(frame);
            full = Credit.full(frame);
            recalls += Credit.recall(frame) ? 1 : 0;
            frame.release();
        } else {
            inbox.add(frame);
        }
    }

    @Override
    public void onClosed(String why) {
        closed = true;
    }

    Frame frame() {
        return harness.frames.take();
    }

    int pg(int chunk) {
        return PgHash.of(volumeId, chunk, Harness.PGS);
    }

    /// A chunk of volume 1 in the placement group, the `n`-th.
    static int chunkIn(int pg, int n) {
        for (int chunk = 0; ; chunk++) {
            if (PgHash.of(1, chunk, Harness.PGS) == pg && n-- == 0) {
                return chunk;
            }
        }
    }

    // Requests.

    long sendWrite(int chunk, int block, int count, long previous, long version, int fill) {
        return sendWrite(chunk, block, count, previous, version, fill, harness.epoch(pg(chunk)));
    }

    long sendWrite(
            int chunk, int block, int count, long previous, long version, int fill, long epoch) {
        int op = fill == 0 ? WriteRequest.OP_TRIM : WriteRequest.OP_DATA;
        Frame f = WriteRequest.start(frame(), nextRequest, op, count);
        WriteRequest.target(f, volumeId, chunk, pg(chunk), epoch);
        WriteRequest.versions(f, previous, version, 1, 0);
        WriteRequest.firstBlock(f, block);
        WriteRequest.sequence(f, nextSequence++);
        f.flags(flags);
        if (op == WriteRequest.OP_DATA) {
            Buf data = harness.bufs.take(count * Sizes.BLOCK_BYTES);
            for (int at = 0; at < count * Sizes.BLOCK_BYTES; at++) {
                data.bytes().put(at, (byte) fill);
            }
            for (int n = 0; n < count; n++) {
                int of = crc.of(data, n * Sizes.BLOCK_BYTES, Sizes.BLOCK_BYTES);
                WriteRequest.crc(f, n, of);
            }
            f.data(data, 0, count * Sizes.BLOCK_BYTES);
        }
        connection.send(f);
        return nextRequest++;
    }

    /// Writes one block and waits for the answer.
    Written write(int chunk, int block, long previous, long version, int fill) {
        sendWrite(chunk, block, 1, previous, version, fill);
        harness.loop.run();
        return written();
    }

    /// A chunk's first writes: version (term, 1) to (term, count), block n filled with n.
    void fill(int chunk, long term, int count) {
        for (int n = 1; n <= count; n++) {
            long previous = n == 1 ? 0 : Versions.of(term, n - 1);
            assertThat(write(chunk, n, previous, Versions.of(term, n), n).status()).isZero();
        }
    }

    Written written() {
        Frame f = expect(MessageType.WRITE_REPLY);
        assertThat(WriteReply.valid(f)).isTrue();
        Written written =
                new Written(
                        f.status(),
                        WriteReply.epoch(f),
                        WriteReply.version(f),
                        WriteReply.durableSequence(f),
                        WriteReply.creditBytes(f));
        f.release();
        return written;
    }

    long sendSync(int type, long term, long[] epochs, int... pgs) {
        Frame f = SyncRequest.start(frame(), type, nextRequest, volumeId, pgs.length);
        if (type == MessageType.OPEN) {
            SyncRequest.term(f, term);
        }
        for (int n = 0; n < pgs.length; n++) {
            SyncRequest.entry(f, n, pgs[n], 0, epochs[n]);
        }
        connection.send(f);
        return nextRequest++;
    }

    long[] epochs(int... pgs) {
        long[] epochs = new long[pgs.length];
        for (int n = 0; n < pgs.length; n++) {
            epochs[n] = harness.epoch(pgs[n]);
        }
        return epochs;
    }

    /// Answer to SYNC or OPEN: the status, then one per placement group.
    List<Integer> synced(int type) {
        Frame f = expect(type + 1);
        assertThat(SyncRequest.valid(f)).isTrue();
        List<Integer> statuses = new ArrayList<>(List.of(f.status()));
        for (int n = 0; n < SyncRequest.count(f); n++) {
            statuses.add(SyncRequest.entryStatus(f, n));
        }
        f.release();
        return statuses;
    }

    List<Integer> sync(int... pgs) {
        sendSync(MessageType.SYNC, 0, epochs(pgs), pgs);
        harness.loop.advanceMs(1);
        return synced(MessageType.SYNC);
    }

    /// Opens the volume in all placement groups and waits.
    ///
    /// @return the request's id, for [#list]
    long open(long term) {
        long id = sendSync(MessageType.OPEN, term, epochs(0, 1, 2, 3), 0, 1, 2, 3);
        harness.loop.advanceMs(1);
        assertThat(synced(MessageType.OPEN)).containsOnly(Status.OK);
        return id;
    }

    /// The status and all chunks with versions.
    int list(long openId, Map<Integer, Long> chunks) {
        long after = -1;
        while (true) {
            connection.send(ChunkList.list(frame(), nextRequest++, openId, after));
            harness.loop.run();
            Frame f = expect(MessageType.LIST_REPLY);
            assertThat(ChunkList.validReply(f)).isTrue();
            int status = f.status();
            for (int n = 0; n < ChunkList.count(f); n++) {
                after = ChunkList.chunkIndex(f, n);
                chunks.put(ChunkList.chunkIndex(f, n), ChunkList.version(f, n));
            }
            boolean more = ChunkList.more(f);
            f.release();
            if (!more) {
                return status;
            }
        }
    }

    Blocks read(int chunk, int block, int count, long term) {
        sendRead(chunk, block, count, term);
        harness.loop.run();
        return blocks();
    }

    void sendRead(int chunk, int block, int count, long term) {
        int pg = pg(chunk);
        connection.send(
                ReadRequest.encode(
                        frame(),
                        nextRequest++,
                        volumeId,
                        chunk,
                        pg,
                        harness.epoch(pg),
                        term,
                        0,
                        block,
                        count));
    }

    Blocks blocks() {
        Frame f = expect(MessageType.READ_REPLY);
        assertThat(ReadReply.valid(f)).isTrue();
        List<Integer> states = new ArrayList<>();
        List<Integer> fill = new ArrayList<>();
        for (int n = 0; n < ReadReply.blockCount(f); n++) {
            states.add(ReadReply.state(f, n));
        }
        for (int n = 0; n < ReadReply.dataBlocks(f); n++) {
            fill.add(0xFF & f.data().bytes().get(f.dataOffset() + n * Sizes.BLOCK_BYTES));
        }
        Blocks blocks =
                new Blocks(f.status(), ReadReply.epoch(f), ReadReply.version(f), states, fill);
        f.release();
        return blocks;
    }

    void need(long neededBytes, long returnedBytes) {
        connection.send(CreditNeed.encode(frame(), neededBytes, returnedBytes));
    }

    long nextRequest() {
        return nextRequest++;
    }

    long sendLevel(int chunk, long term, int sourceDiskId, long version) {
        Frame f = frame();
        int pg = pg(chunk);
        ChunkRequest.encode(
                f, MessageType.LEVEL, nextRequest, volumeId, chunk, pg, harness.epoch(pg), term);
        ChunkRequest.level(f, sourceDiskId, version);
        connection.send(f);
        return nextRequest++;
    }

    Frame expect(int type) {
        assertThat(inbox).as("an answer of type %d", type).isNotEmpty();
        Frame f = inbox.remove();
        assertThat(f.type()).isEqualTo(type);
        return f;
    }
}
