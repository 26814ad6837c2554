package comet.volume;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import comet.base.Buf;
import comet.base.BufPool;
import comet.cluster.ClusterInfo;
import comet.cluster.Command;
import comet.cluster.DiskInfo;
import comet.cluster.GatewayInfo;
import comet.cluster.MapUpdate;
import comet.cluster.MemberState;
import comet.cluster.NodeInfo;
import comet.cluster.PgConfig;
import comet.cluster.Reply;
import comet.cluster.VolumeInfo;
import comet.port.Connection;
import comet.port.Loop;
import comet.port.MetaClient;
import comet.wire.BlockState;
import comet.wire.ChunkList;
import comet.wire.Frame;
import comet.wire.FramePool;
import comet.wire.Hello;
import comet.wire.MessageType;
import comet.wire.ReadReply;
import comet.wire.ReadRequest;
import comet.wire.SyncRequest;
import comet.wire.WriteReply;
import comet.wire.WriteRequest;
import java.lang.management.ManagementFactory;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/// A request in the steady state allocates nothing. Everything around the gateway answers within
/// the same thread, from pools, so what the meter shows is the gateway's.
class SteadyStateTest implements Loop, MetaClient, BlockDevice.Done {
    private static final int WARM_UP = 30_000;
    private static final int MEASURED = 30_000;

    private final ArrayDeque<Runnable> work = new ArrayDeque<>();
    private final FramePool frames = new FramePool();
    private final BufPool bufs = new BufPool(64 << 20);
    private final ArrayDeque<Instant> ready = new ArrayDeque<>();
    private MapUpdate map;
    private int answered;
    private int failed;

    @Override
    public long nowNs() {
        return 1;
    }

    @Override
    public void execute(Runnable later) {
        work.addLast(later);
    }

    @Override
    public Timer schedule(long delayNs, Runnable later) {
        return () -> {};
    }

    @Override
    public void submit(Command command, Consumer<Reply> done) {
        execute(() -> done.accept(new Reply.Attached(1, 1)));
    }

    @Override
    public void fetch(long revision, Consumer<MapUpdate> done) {
        execute(() -> done.accept(map));
    }

    @Override
    public void listen(Listener listener) {}

    @Override
    public void done(int errno) {
        answered++;
        failed += errno == 0 ? 0 : 1;
    }

    private void turn() {
        while (!work.isEmpty() || !ready.isEmpty()) {
            for (int left = work.size(); left > 0; left--) {
                work.pollFirst().run();
            }
            for (int left = ready.size(); left > 0; left--) {
                ready.pollFirst().deliver();
            }
        }
    }

    /// A disk at the other end of a connection that answers everything at once.
    private final class Instant implements Connection {
        private final int diskId;
        private final ArrayDeque<Frame> replies = new ArrayDeque<>();
        private Handler handler;
        private long sequence;

        Instant(int diskId) {
            this.diskId = diskId;
        }

        @Override
        public void send(Frame frame) {
            Frame reply = frames.take();
            long id = frame.requestId();
            switch (frame.type()) {
                case MessageType.HELLO ->
                        new Hello.Answer(1, diskId, 0, 7, Long.MAX_VALUE / 2).encode(reply, id);
                case MessageType.OPEN, MessageType.SYNC -> {
                    int count = SyncRequest.count(frame);
                    SyncRequest.startReply(reply, frame.type() + 1, id, sequence, count);
                    for (int n = 0; n < count; n++) {
                        SyncRequest.entry(reply, n, SyncRequest.pg(frame, n), 0, 1);
                    }
                }
                case MessageType.LIST ->
                        ChunkList.startReply(reply, MessageType.LIST_REPLY, id, 0, 0, 0, false);
                case MessageType.WRITE -> {
                    long durable = sequence;
                    sequence = WriteRequest.sequence(frame);
                    WriteReply.encode(reply, id, 0, 1, WriteRequest.version(frame), durable, 0);
                }
                case MessageType.READ -> {
                    int count = ReadRequest.blockCount(frame);
                    ReadReply.start(reply, id, 0, 1, Long.MAX_VALUE, count, false);
                    for (int n = 0; n < count; n++) {
                        ReadReply.block(reply, n, BlockState.DATA, comet.base.Crc.ZERO_BLOCK);
                    }
                    ReadReply.dataBlocks(reply, count);
                    Buf data = bufs.take(count * 4096);
                    data.zero(0, count * 4096);
                    reply.data(data, 0, count * 4096);
                }
                default -> throw new AssertionError("type " + frame.type());
            }
            frame.release();
            replies.addLast(reply);
            ready.addLast(this);
        }

        void deliver() {
            handler.onFrame(replies.pollFirst());
        }

        @Override
        public long queuedBytes() {
            return 0;
        }

        @Override
        public void pauseReading(boolean pause) {}

        @Override
        public void close() {
            throw new AssertionError("closed");
        }

        @Override
        public String peer() {
            return "disk " + diskId;
        }
    }

    private BlockDevice open() {
        List<NodeInfo> nodes = new ArrayList<>();
        List<DiskInfo> disks = new ArrayList<>();
        List<PgConfig> pgs = new ArrayList<>();
        List<PgConfig.Member> members = new ArrayList<>();
        for (int id = 1; id <= 2; id++) {
            nodes.add(new NodeInfo(id, "n" + id, "d" + id, "h", List.of("" + id)));
            disks.add(new DiskInfo(id, id, id, id, "d" + id, 1, 7, 1, DiskInfo.State.ACTIVE));
            members.add(new PgConfig.Member(id, 7, MemberState.IN_SYNC));
        }
        for (int pg = 0; pg < 64; pg++) {
            pgs.add(new PgConfig(pg, 1, members));
        }
        VolumeInfo volume =
                new VolumeInfo(
                        1,
                        "vol",
                        1L << 30,
                        VolumeInfo.Durability.FLUSH,
                        1,
                        1,
                        new VolumeInfo.Attachment(3, 1, 0),
                        false,
                        0,
                        0);
        map =
                new MapUpdate(
                        0,
                        1,
                        new ClusterInfo(1, 2, 64, 2),
                        nodes,
                        disks,
                        List.of(new GatewayInfo(3, "g", "h")),
                        pgs,
                        List.of(volume),
                        List.of());
        Connection.Dialer dialer =
                (addresses, dialed) ->
                        execute(() -> {
                            Instant to = new Instant(Integer.parseInt(addresses.get(0)));
                            to.handler = dialed.onConnect(to);
                        });
        Gateway gateway =
                new Gateway(
                        GatewayConfig.defaults(),
                        3,
                        this,
                        this,
                        dialer,
                        frames,
                        bufs,
                        (level, code, details) -> {});
        gateway.start();
        BlockDevice[] opened = new BlockDevice[1];
        gateway.open(
                "vol",
                new Gateway.Opened() {
                    @Override
                    public void opened(BlockDevice device) {
                        opened[0] = device;
                    }

                    @Override
                    public void failed(int errno, String why) {
                        throw new AssertionError(why);
                    }
                });
        turn();
        return opened[0];
    }

    /// Sixteen requests at a time: writes of whole and of half blocks, reads, zeroes, and a flush.
    private void requests(BlockDevice device, Buf buf, int count) {
        for (int n = 0; n < count; n += 16) {
            for (int k = 0; k < 16; k++) {
                long at = (n + k) * 7919L % 200_000 * 4096;
                switch (k) {
                    case 3, 4, 5, 6, 7 -> device.read(at, 4096, buf, 0, this);
                    case 8 -> device.write(at + 512, 2048, buf, 0, 0, this);
                    case 9 -> device.writeZeroes(at, 8192, 0, this);
                    case 10 -> device.write(at, 4096, buf, 0, BlockDevice.FUA, this);
                    case 15 -> device.flush(this);
                    default -> device.write(at, 4096, buf, 0, 0, this);
                }
            }
            turn();
        }
    }

    @Test
    void a_request_allocates_nothing() {
        BlockDevice device = open();
        Buf buf = bufs.take(4096);
        buf.zero(0, 4096);
        requests(device, buf, WARM_UP);
        requests(device, buf, WARM_UP);
        ThreadMXBean meter = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long id = Thread.currentThread().threadId();
        long before = meter.getThreadAllocatedBytes(id);
        answered = 0;
        requests(device, buf, MEASURED);
        long bytes = meter.getThreadAllocatedBytes(id) - before;
        assertThat(answered).isEqualTo(MEASURED);
        assertThat(failed).isZero();
        // The meter's own answers take a few hundred bytes.
        assertThat(bytes).as("bytes allocated by %d requests", MEASURED).isLessThan(MEASURED / 10);
    }
}
