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
        NodeServer server;
        FakeStore store;
        MetaClient client;
        long startCount;
        long bootId;
        boolean up;

        DiskServer disk() {
            return server.disks().getFirst();
        }
    }

    /// Disks 1 to `count`, all IN_SYNC in all placement groups, and volume 1.
    static Harness healthy(int count) {
        Harness harness = new Harness();
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
        Node node = nodes.computeIfAbsent(diskId, _ -> new Node());
        if (node.store == null) {
            node.store = new FakeStore(loop, bufs, PGS);
        }
        Events sink = (level, code, details) -> events.add(level + " " + code + " " + details);
        node.client = meta.client();
        node.server =
                new NodeServer(new NodeParts(config, loop, node.client, net, frames, bufs, sink));
        net.listen("" + diskId, node.server);
        node.up = true;
        DiskIdentity identity = new DiskIdentity(diskId, diskId, ~diskId);
        node.server.addDisk(
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
        Node node = nodes.get(diskId);
        net.unlisten("" + diskId);
        meta.forget(node.client);
        node.server.close();
        node.up = false;
        node.store = node.store.crash(changesKept);
        loop.run();
    }

    void stopClean(int diskId) {
        kill(diskId, store(diskId).appliedSequence());
    }

    /// Whether a node runs.
    boolean up(int diskId) {
        return nodes.get(diskId).up;
    }

    FakeStore store(int diskId) {
        return nodes.get(diskId).store;
    }

    DiskServer disk(int diskId) {
        return nodes.get(diskId).disk();
    }

    TestClient connect(int diskId, Lane lane) {
        return new TestClient(this, diskId, lane, 9);
    }

    long epoch(int pg) {
        return meta.pg(pg).epoch();
    }

    MemberState state(int pg, int diskId) {
        return meta.pg(pg).member(diskId).state();
    }

    boolean hasEvent(String part) {
        return events.stream().anyMatch(event -> event.contains(part));
    }
}
