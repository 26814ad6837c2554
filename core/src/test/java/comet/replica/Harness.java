package comet.replica;

import comet.base.BufPool;
import comet.cluster.MemberState;
import comet.cluster.PgConfig;
import comet.port.Events;
import comet.port.MetaClient;
import comet.wire.FramePool;
import comet.wire.Lane;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// Nodes with one disk each, their metadata group and their network, all in one thread. Disk `n`
/// lives on node `n` at address `n`.
final class Harness {
    static final int PGS = 4;

    final TestLoop loop = new TestLoop();
    final FramePool frames = new FramePool();
    final BufPool bufs = new BufPool(64 << 20);
    final TestNet net = new TestNet(loop, frames);
    final FakeMeta meta = new FakeMeta(loop, PGS);
    final List<String> events = new ArrayList<>();
    final TreeMap<Integer, Node> nodes = new TreeMap<>();
    NodeConfig config = NodeConfig.defaults();

    /// One node and its disk.
    static final class Node {
        @Nullable NodeServer server;
        @Nullable MetaClient client;
        FakeStore store;
        long startCount;
        long bootId;
        boolean up;

        Node(FakeStore store) {
            this.store = store;
        }

        DiskServer disk() {
            return some(server).disks().getFirst();
        }
    }

    /// Disks 1 to `count`, all IN_SYNC in all placement groups, and volume 1.
    static Harness healthy(int count) {
        return healthy(new Harness(), count);
    }

    /// The same with disks that scrub so.
    static Harness scrubbed(int count, ScrubConfig scrub) {
        Harness harness = new Harness();
        harness.config = harness.config.withScrub(scrub);
        return healthy(harness, count);
    }

    private static Harness healthy(Harness harness, int count) {
        harness.meta.addVolume(1);
        for (int disk = 1; disk <= count; disk++) {
            harness.meta.addDisk(disk, "" + disk);
            harness.start(disk);
        }
        harness.loop.run();
        for (int pg = 0; pg < PGS; pg++) {
            PgConfig.Member[] members = new PgConfig.Member[count];
            for (int disk = 1; disk <= count; disk++) {
                members[disk - 1] = harness.member(disk, MemberState.IN_SYNC);
            }
            harness.meta.setPg(pg, members);
        }
        harness.loop.run();
        return harness;
    }

    PgConfig.Member member(int diskId, MemberState state) {
        return new PgConfig.Member(diskId, meta.boot(diskId), state);
    }

    /// All members IN_SYNC but these, which are RECOVERING.
    void recovering(int pg, int... recovering) {
        List<PgConfig.Member> members = new ArrayList<>();
        for (int disk : nodes.keySet()) {
            boolean listed = java.util.Arrays.stream(recovering).anyMatch(r -> r == disk);
            members.add(member(disk, listed ? MemberState.RECOVERING : MemberState.IN_SYNC));
        }
        meta.setPg(pg, members.toArray(PgConfig.Member[]::new));
    }

    Node start(int diskId) {
        return start(diskId, false);
    }

    Node start(int diskId, boolean clean) {
        Node node = nodes.computeIfAbsent(diskId, _ -> new Node(new FakeStore(loop, bufs, PGS)));
        Events sink = (level, code, details) -> events.add(level + " " + code + " " + details);
        MetaClient client = meta.client();
        NodeServer server =
                new NodeServer(new NodeParts(config, loop, client, net, frames, bufs, sink));
        node.client = client;
        node.server = server;
        net.listen("" + diskId, server);
        node.up = true;
        DiskIdentity identity = new DiskIdentity(diskId, diskId, ~diskId);
        server.addDisk(
                identity,
                node.store,
                ++node.startCount,
                node.bootId,
                clean,
                false,
                boot -> node.bootId = boot);
        return node;
    }

    /// Kills a node; its disk keeps the first `changesKept` changes.
    void kill(int diskId, long changesKept) {
        Node node = node(diskId);
        net.unlisten("" + diskId);
        meta.forget(some(node.client));
        some(node.server).close();
        node.up = false;
        node.store = node.store.crash(changesKept);
        loop.run();
    }

    void stopClean(int diskId) {
        kill(diskId, store(diskId).appliedSequence());
    }

    /// Whether a node runs.
    boolean up(int diskId) {
        return node(diskId).up;
    }

    private Node node(int diskId) {
        return some(nodes.get(diskId));
    }

    NodeServer server(int diskId) {
        return some(node(diskId).server);
    }

    /// The version of a chunk of volume 1 that is on a disk.
    long version(int diskId, int chunkIndex) {
        return some(store(diskId).chunk(1, chunkIndex)).version();
    }

    /// What must be there.
    static <T> T some(@Nullable T value) {
        if (value == null) {
            throw new AssertionError("missing");
        }
        return value;
    }

    FakeStore store(int diskId) {
        return node(diskId).store;
    }

    DiskServer disk(int diskId) {
        return node(diskId).disk();
    }

    TestClient connect(int diskId, Lane lane) {
        return new TestClient(this, diskId, lane, 9);
    }

    long epoch(int pg) {
        return meta.pg(pg).epoch();
    }

    MemberState state(int pg, int diskId) {
        return some(meta.pg(pg).member(diskId)).state();
    }

    boolean hasEvent(String part) {
        return events.stream().anyMatch(event -> event.contains(part));
    }
}
