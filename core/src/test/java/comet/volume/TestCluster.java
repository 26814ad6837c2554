package comet.volume;

import comet.base.Buf;
import comet.base.BufPool;
import comet.base.Prng;
import comet.cluster.MemberState;
import comet.cluster.PgConfig;
import comet.cluster.VolumeInfo.Durability;
import comet.port.Events;
import comet.wire.FramePool;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.function.LongPredicate;
import org.jspecify.annotations.Nullable;

/// Two disks in two domains, a group, and gateways, in one thread.
final class TestCluster {
    static final int PGS = 8;
    static final long SECOND = 1_000_000_000L;

    final FakeLoop loop = new FakeLoop();
    final Prng prng;
    final FakeMeta meta;
    final FakeNet net;
    final TreeMap<Integer, FakeDisk> disks = new TreeMap<>();
    final List<String> events = new ArrayList<>();
    final List<Node> gateways = new ArrayList<>();
    GatewayConfig config =
            new GatewayConfig(8 << 20, 4 << 20, 4 << 20, 16, 30 * SECOND, 10 * SECOND);

    TestCluster(long seed) {
        prng = new Prng(seed);
        meta = new FakeMeta(loop, prng.fork(), PGS);
        net = new FakeNet(loop, prng.fork());
        for (int id = 1; id <= 2; id++) {
            disks.put(id, new FakeDisk(loop, net, meta, prng.fork(), id, disks));
        }
        configure(MemberState.IN_SYNC, MemberState.IN_SYNC);
        meta.addVolume(5, "vol", 16 << 20, Durability.FLUSH);
    }

    /// A new epoch of every PG.
    void configure(@Nullable MemberState first, @Nullable MemberState second) {
        for (int pg = 0; pg < PGS; pg++) {
            List<PgConfig.Member> members = new ArrayList<>();
            if (first != null) {
                members.add(FakeMeta.member(1, disks.get(1).bootId, first));
            }
            if (second != null) {
                members.add(FakeMeta.member(2, disks.get(2).bootId, second));
            }
            meta.setPg(pg, members.toArray(new PgConfig.Member[0]));
        }
    }

    FakeDisk disk(int id) {
        return disks.get(id);
    }

    /// A gateway process.
    final class Node {
        final FramePool frames = new FramePool();
        final BufPool bufs = new BufPool(8 << 20);
        final FakeMeta.Client client;
        final List<FakeNet.Link> links = new ArrayList<>();
        final Gateway gateway;

        Node(long id) {
            this(id, volumeId -> true);
        }

        /// One of several of the same id.
        Node(long id, LongPredicate owns) {
            client = meta.client(id);
            Events sink = (level, code, details) -> events.add(level + " " + code + " " + details);
            gateway =
                    new Gateway(
                            config, id, owns, loop, client, net.dialer(links), frames, bufs, sink);
            gateway.start();
            gateways.add(this);
        }

        void kill() {
            client.closed = true;
            client.listener = null;
            meta.clients.remove(client);
            links.forEach(link -> link.cut("killed"));
            gateways.remove(this);
        }

        BlockDevice open(String name) {
            BlockDevice[] opened = new BlockDevice[1];
            gateway.open(
                    name,
                    new Gateway.Opened() {
                        @Override
                        public void opened(BlockDevice device) {
                            opened[0] = device;
                        }

                        @Override
                        public void failed(int errno, String why) {
                            throw new AssertionError(errno + " " + why);
                        }
                    });
            loop.runUntil(() -> opened[0] != null, 10);
            return opened[0];
        }
    }

    /// An answer to come.
    static final class Answer implements BlockDevice.Done {
        int errno = -1;

        @Override
        public void done(int errno) {
            if (this.errno != -1) {
                throw new AssertionError("answered twice");
            }
            this.errno = errno;
        }

        boolean come() {
            return errno >= 0;
        }
    }

    int await(Answer answer) {
        loop.runUntil(answer::come, 60);
        return answer.errno;
    }

    Answer write(Node node, BlockDevice device, long offset, byte[] bytes, int flags) {
        Buf buf = node.bufs.take(bytes.length);
        buf.bytes().put(0, bytes);
        Answer answer = new Answer();
        device.write(
                offset,
                bytes.length,
                buf,
                0,
                flags,
                errno -> {
                    buf.release();
                    answer.done(errno);
                });
        return answer;
    }

    byte[] read(Node node, BlockDevice device, long offset, int length) {
        Buf buf = node.bufs.take(length);
        Answer answer = new Answer();
        device.read(offset, length, buf, 0, answer);
        int errno = await(answer);
        if (errno != 0) {
            throw new AssertionError("read: errno " + errno);
        }
        byte[] bytes = new byte[length];
        buf.bytes().get(0, bytes);
        buf.release();
        return bytes;
    }

    int flush(BlockDevice device) {
        Answer answer = new Answer();
        device.flush(answer);
        return await(answer);
    }

    byte[] pattern(int length, long seed) {
        Prng bytes = new Prng(seed);
        byte[] out = new byte[length];
        for (int i = 0; i < length; i++) {
            out[i] = (byte) bytes.nextLong();
        }
        return out;
    }
}
