package comet.server.data;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import comet.base.Buf;
import comet.base.Sizes;
import comet.cluster.ClusterInfo;
import comet.cluster.Command;
import comet.cluster.MapUpdate;
import comet.cluster.Reply;
import comet.cluster.VolumeInfo.Durability;
import comet.io.loop.EventLoop;
import comet.io.loop.Transport;
import comet.io.net.Address;
import comet.io.net.SocketDialer;
import comet.port.Connection;
import comet.port.Events;
import comet.port.MetaClient;
import comet.replica.NodeConfig;
import comet.replica.ReplicaCounters;
import comet.store.Disk;
import comet.store.StoreConfig;
import comet.volume.BlockDevice;
import comet.volume.Gateway;
import comet.volume.GatewayConfig;
import comet.volume.VolumeStatus;
import comet.wire.Frame;
import comet.wire.Hello;
import comet.wire.Lane;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Gateway, two nodes, sockets, files and indexes as the processes have them, in one JVM: every
/// part on a loop of its own, the metadata group's state machine beside them.
class DataPathTest {
    private static final long DEADLINE_S = 30;
    private static final JournalMemory MEMORY = new JournalMemory(256L << 20, 0, 64L << 20);

    @TempDir Path folder;
    private final LocalGroup group = new LocalGroup();
    private final ConcurrentLinkedQueue<String> errors = new ConcurrentLinkedQueue<>();
    private final Events events =
            (level, code, details) -> {
                if (level == Events.Level.ERROR) {
                    errors.add(code + " " + details);
                }
            };

    private EventLoop loop;
    private GatewayData gateway;

    @BeforeEach
    void start() throws Exception {
        group.decide(new Command.CreateCluster(new ClusterInfo(7, 8, 64, 2)));
        loop = newLoop("gateway");
    }

    @AfterEach
    void stop() {
        loop.close();
        assertThat(errors).isEmpty();
    }

    @Test
    void what_was_written_is_read_after_both_nodes_were_restarted() throws Exception {
        Node a = new Node("a");
        Node b = new Node("b");
        Reply created = group.decide(new Command.CreateVolume("v", 64L << 20, Durability.FLUSH, 0));
        assertThat(created).isInstanceOf(Reply.Id.class);
        gateway = started(List.of(loop), 1);
        BlockDevice device = open("v");
        int[] lengths = {4096, 512, 131072, 1 << 20, 12345};
        long at = 0;
        for (int length : lengths) {
            write(device, at, length, 0);
            at += 5L << 20;
        }
        errno(loop, done -> device.flush(done));
        check(device, lengths);

        a = a.restart();
        b = b.restart();
        check(device, lengths);
        write(device, 1 << 20, 4096, BlockDevice.FUA);
        gateway.close();
        a.close();
        b.close();
    }

    @Test
    void volumes_of_one_gateway_live_on_several_loops() throws Exception {
        Node a = new Node("a");
        Node b = new Node("b");
        for (String name : List.of("one", "two", "three")) {
            group.decide(new Command.CreateVolume(name, 64L << 20, Durability.FLUSH, 0));
        }
        try (EventLoop second = newLoop("gateway-2")) {
            for (int life = 1; life <= 2; life++) {
                gateway = started(List.of(loop, second), life);
                assertThat(List.of(gateway.place(1), gateway.place(2), gateway.place(3)))
                        .containsExactly(1, 0, 1);
                for (String name : List.of("one", "two", "three")) {
                    int place = name.equals("two") ? 0 : 1;
                    BlockDevice device = open(place, name);
                    if (life == 1) {
                        write(gateway.loop(place), device, 0, 100_000, 0);
                    }
                    check(gateway.loop(place), device, new int[] {100_000});
                }
                List<VolumeStatus> status = gateway.status().get(DEADLINE_S, TimeUnit.SECONDS);
                assertThat(status).extracting(VolumeStatus::volumeId).containsExactly(1L, 2L, 3L);
                assertThat(status).extracting(VolumeStatus::state).containsOnly("attached");
                gateway.close();
                assertThat(gateway.status().get(DEADLINE_S, TimeUnit.SECONDS))
                        .extracting(VolumeStatus::state)
                        .containsOnly("detached");
            }
        }
        a.close();
        b.close();
    }

    @Test
    void disks_are_spread_over_loops_and_each_is_served_on_its_own() throws Exception {
        Node a = new Node("a", MEMORY, 2, 3);
        Node b = new Node("b", MEMORY, 2, 3);
        for (Node node : List.of(a, b)) {
            assertThat(node.data.disks().stream().map(NodeDisk::loop))
                    .containsExactly(
                            node.loops.getFirst(), node.loops.getLast(), node.loops.getFirst());
            // Only disks that the group knows get a part of what is created.
            node.data.disks().forEach(disk -> untilServing(node, disk));
        }
        group.decide(new Command.CreateVolume("v", 1L << 30, Durability.FLUSH, 0));
        gateway = started(List.of(loop), 1);
        BlockDevice device = open("v");
        int chunks = 64;
        int[] lengths = new int[chunks];
        for (int i = 0; i < chunks; i++) {
            lengths[i] = i % 4 == 0 ? 131072 : 4096 * (1 + i % 3);
            write(device, i * (5L << 20), lengths[i], i % 16 == 0 ? BlockDevice.FUA : 0);
        }
        errno(loop, done -> device.flush(done));
        check(device, lengths);
        for (Node node : List.of(a, b)) {
            for (NodeDisk disk : node.data.disks()) {
                ReplicaCounters counters =
                        disk.loop().call(() -> requireNonNull(node.data.served(disk)).counters());
                assertThat(counters.writes).isPositive();
                assertThat(counters.syncs).isPositive();
            }
        }
        a = a.restart();
        b = b.restart();
        check(device, lengths);
        gateway.close();
        a.close();
        b.close();
    }

    private GatewayData started(List<EventLoop> loops, int life) throws Exception {
        List<GatewayData.Place> places = new ArrayList<>();
        for (EventLoop each : loops) {
            places.add(new GatewayData.Place(each, group.client(each), new SocketDialer(each)));
        }
        return GatewayData.start(
                places, "g", new UUID(1, 1), life, "host", GatewayConfig.defaults(), events);
    }

    @Test
    void a_disk_that_comes_later_goes_to_the_loop_with_the_fewest() throws Exception {
        Node node = new Node("a", MEMORY, 3, 1);
        for (String name : List.of("second", "third", "fourth")) {
            Path path = Files.createDirectory(folder.resolve(name));
            node.data.addDisk(new NodeDisk.Settings(path, null, 0, null));
        }
        List<EventLoop> loops = node.loops;
        assertThat(node.data.disks().stream().map(NodeDisk::loop))
                .containsExactly(loops.get(0), loops.get(1), loops.get(2), loops.get(0));
        for (NodeDisk disk : node.data.disks()) {
            // They share what there is, wherever they are.
            assertThat(disk.loop().call(disk.disk()::pendingBytesMax)).isEqualTo(16L << 20);
        }
        node.close();
    }

    @Test
    void who_asks_for_a_disk_that_is_not_here_is_told_so() throws Exception {
        Node node = new Node("a", MEMORY, 2, 2);
        CompletableFuture<String> answer = new CompletableFuture<>();
        loop.submit(() -> new SocketDialer(loop).dial(List.of(node.address), new Asker(answer)));
        assertThat(answer.get(DEADLINE_S, TimeUnit.SECONDS)).isEqualTo("disk 4711 is not here");
        node.close();
    }

    /// Says HELLO to a disk that nobody knows.
    private final class Asker implements Connection.Dialed {
        private final CompletableFuture<String> answer;

        Asker(CompletableFuture<String> answer) {
            this.answer = answer;
        }

        @Override
        public Connection.Handler onConnect(Connection connection) {
            connection.send(
                    new Hello(Hello.VERSION, Hello.VERSION, 0, 7, 8, Lane.READ, 4711, 1, 2, 3)
                            .encode(loop.frames().take(), 1));
            return new Connection.Handler() {
                @Override
                public void onFrame(Frame frame) {
                    byte[] text = new byte[frame.dataBytes()];
                    frame.data().bytes().get(frame.dataOffset(), text);
                    answer.complete(new String(text, StandardCharsets.UTF_8));
                    frame.release();
                }

                @Override
                public void onClosed(String why) {
                    answer.complete(why);
                }
            };
        }

        @Override
        public void onFailed(String why) {
            answer.complete(why);
        }
    }

    @Test
    void a_folder_that_was_a_disk_and_is_empty_is_refused() throws Exception {
        Node node = new Node("a");
        node.close();
        Path disk = folder.resolve("a/disk");
        Files.move(disk, folder.resolve("elsewhere"));
        Files.createDirectory(disk);
        assertThatThrownBy(() -> new Node("a"))
                .isInstanceOf(DataException.class)
                .hasMessageContaining("a disk was there: is its device mounted?");
        assertThat(errors.poll()).startsWith("disk-unusable");
    }

    @Test
    void a_folder_in_service_is_refused_as_another_disk() throws Exception {
        Node node = new Node("a");
        int diskId = node.data.disks().getFirst().disk().identity().diskId();
        Path disk = folder.resolve("a/disk");
        Path link = Files.createSymbolicLink(folder.resolve("link"), disk);
        for (Path path : List.of(disk, link)) {
            assertThatThrownBy(() -> node.data.addDisk(new NodeDisk.Settings(path, null, 0, null)))
                    .isInstanceOf(DataException.class)
                    .hasMessage("the folder " + path + " is in service already, as disk " + diskId);
        }
        // Nor may its journal lie in one.
        Path other = Files.createDirectory(folder.resolve("other"));
        assertThatThrownBy(() -> node.data.addDisk(new NodeDisk.Settings(other, disk, 0, null)))
                .isInstanceOf(DataException.class)
                .hasMessageContaining("in use by process");
        assertThat(node.data.disks()).hasSize(1);
        node.close();
    }

    @Test
    void disks_that_come_later_share_the_memory_for_journals() throws Exception {
        Node node = new Node("a", new JournalMemory(256L << 20, 0, 64L << 20));
        Disk first = node.data.disks().getFirst().disk();
        assertThat(node.nodeLoop.call(first::pendingBytesMax)).isEqualTo(64L << 20);
        Path second = Files.createDirectory(folder.resolve("second"));
        node.data.addDisk(new NodeDisk.Settings(second, null, 0, null));
        for (NodeDisk disk : node.data.disks()) {
            assertThat(node.nodeLoop.call(disk.disk()::pendingBytesMax)).isEqualTo(32L << 20);
        }
        node.close();
    }

    @Test
    void a_disk_for_whose_journal_there_is_no_memory_is_refused() throws Exception {
        Node node = new Node("a", new JournalMemory(128L << 20, 64L << 20, 64L << 20));
        Path second = Files.createDirectory(folder.resolve("second"));
        assertThatThrownBy(() -> node.data.addDisk(new NodeDisk.Settings(second, null, 0, null)))
                .isInstanceOf(DataException.class)
                .hasMessageContainingAll("`journal-memory`", "2 disks", "96 MiB");
        assertThat(second).isEmptyDirectory();
        node.close();
    }

    @Test
    void a_node_that_waits_for_the_group_can_be_stopped() throws Exception {
        CountDownLatch asked = new CountDownLatch(1);
        MetaClient away =
                new MetaClient() {
                    @Override
                    public void submit(Command command, Consumer<Reply> done) {}

                    @Override
                    public void fetch(long revision, Consumer<MapUpdate> done) {
                        asked.countDown();
                    }

                    @Override
                    public void listen(Listener listener) {}
                };
        NodeData data =
                new NodeData(
                        loop,
                        NodeData.Settings.of("a", folder, "a", "host"),
                        away,
                        new SocketDialer(loop),
                        events);
        FutureTask<Void> join =
                new FutureTask<>(() -> {
                    data.join(List.of(), List.of());
                    return null;
                });
        Thread.ofPlatform().daemon().start(join);
        assertThat(asked.await(DEADLINE_S, TimeUnit.SECONDS)).isTrue();
        FutureTask<Void> close = new FutureTask<>(data::close, null);
        Thread.ofPlatform().daemon().start(close);
        close.get(DEADLINE_S, TimeUnit.SECONDS);
        assertThatThrownBy(() -> join.get(DEADLINE_S, TimeUnit.SECONDS))
                .hasCauseInstanceOf(DataException.class)
                .hasMessageContaining("the process is stopping");
        assertThatThrownBy(() -> data.join(List.of(), List.of()))
                .isInstanceOf(DataException.class)
                .hasMessageContaining("the process is stopping");
    }

    @Test
    void a_disk_whose_making_was_cut_off_is_made_again() throws Exception {
        Node node = new Node("a");
        int diskId = node.data.disks().getFirst().disk().identity().diskId();
        node.close();
        Path disk = folder.resolve("a/disk");
        // As far as it had come: the journal is there, what makes the folder a disk is not.
        for (String name : List.of("disk.json", "start.json", "segments", "index")) {
            delete(disk.resolve(name));
        }
        DiskBook book = DiskBook.read(folder.resolve("a"));
        DiskBook.Entry entry = book.entry(disk);
        assertThat(entry).isNotNull();
        book.put(disk, new DiskBook.Entry(entry.uuidHigh(), entry.uuidLow(), false));
        Node again = new Node("a");
        assertThat(again.data.disks().getFirst().disk().identity().diskId()).isEqualTo(diskId);
        again.close();
    }

    /// A storage node, in a domain of its own.
    private final class Node implements NodeData.Access {
        final String name;
        final JournalMemory memory;
        final int diskCount;
        final List<EventLoop> loops = new ArrayList<>();
        final EventLoop nodeLoop;
        final NodeData data;
        final String address;

        Node(String name) throws DataException, InterruptedException, IOException {
            this(name, MEMORY);
        }

        Node(String name, JournalMemory memory)
                throws DataException, InterruptedException, IOException {
            this(name, memory, 1, 1);
        }

        Node(String name, JournalMemory memory, int loopCount, int diskCount)
                throws DataException, InterruptedException, IOException {
            this.name = name;
            this.memory = memory;
            this.diskCount = diskCount;
            Path home = folder.resolve(name);
            List<NodeDisk.Settings> disks = new ArrayList<>();
            for (int i = 0; i < diskCount; i++) {
                Path disk = home.resolve(i == 0 ? "disk" : "disk-" + i);
                Files.createDirectories(disk);
                disks.add(new NodeDisk.Settings(disk, null, 0, null));
            }
            for (int i = 0; i < loopCount; i++) {
                loops.add(newLoop(name + i));
            }
            nodeLoop = loops.getFirst();
            data =
                    new NodeData(
                            loops,
                            new NodeData.Settings(
                                    name,
                                    home,
                                    name,
                                    "host",
                                    NodeConfig.defaults(),
                                    StoreConfig.defaults()
                                            .withJournal(64L << 20, 4 << 20)
                                            .withSpace(64L << 20, 0, 16L << 20),
                                    memory,
                                    comet.io.file.FileMedia.Way.AUTO,
                                    2,
                                    true),
                            this,
                            events);
            address = data.listen(new Address.Unix(home.resolve("sock"))).toString();
            try {
                data.join(List.of(address), disks);
            } catch (DataException e) {
                close();
                throw e;
            }
        }

        Node restart() throws DataException, InterruptedException, IOException {
            close();
            return new Node(name, memory, loops.size(), diskCount);
        }

        @Override
        public MetaClient meta(EventLoop of) {
            return group.client(of);
        }

        @Override
        public Connection.Dialer dialer(EventLoop of) {
            return new SocketDialer(of);
        }

        void close() {
            data.close();
            loops.forEach(EventLoop::close);
        }
    }

    private static void untilServing(Node node, NodeDisk disk) {
        long startNs = System.nanoTime();
        while (!disk.loop().call(() -> requireNonNull(node.data.served(disk)).serving())) {
            assertThat(System.nanoTime() - startNs).isLessThan(DEADLINE_S * 1_000_000_000);
            LockSupport.parkNanos(1_000_000);
        }
    }

    private static void delete(Path path) throws IOException {
        try (Stream<Path> files = Files.walk(path)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }

    private EventLoop newLoop(String name) {
        return EventLoop.start(
                name,
                Transport.best(),
                failure -> {
                    failure.printStackTrace();
                    errors.add(String.valueOf(failure));
                });
    }

    private BlockDevice open(String name) throws Exception {
        return open(0, name);
    }

    private BlockDevice open(int place, String name) throws Exception {
        CompletableFuture<BlockDevice> opened = new CompletableFuture<>();
        gateway.loop(place)
                .submit(() ->
                        gateway.gateway(place)
                                .open(
                                        name,
                                        new Gateway.Opened() {
                                            @Override
                                            public void opened(BlockDevice device) {
                                                opened.complete(device);
                                            }

                                            @Override
                                            public void failed(int errno, String why) {
                                                opened.completeExceptionally(new IOException(why));
                                            }
                                        }));
        return opened.get(DEADLINE_S, TimeUnit.SECONDS);
    }

    private void write(BlockDevice device, long offset, int length, int flags) throws Exception {
        write(loop, device, offset, length, flags);
    }

    private void check(BlockDevice device, int[] lengths) throws Exception {
        check(loop, device, lengths);
    }

    private static void write(EventLoop on, BlockDevice device, long offset, int length, int flags)
            throws Exception {
        Buf buf = on.call(() -> on.bufs().take(length));
        for (int i = 0; i < length; i++) {
            buf.bytes().put(i, content(offset + i));
        }
        errno(on, done -> device.write(offset, length, buf, 0, flags, done));
        on.submit(buf::release);
    }

    private static void check(EventLoop on, BlockDevice device, int[] lengths) throws Exception {
        long at = 0;
        for (int length : lengths) {
            long offset = at;
            Buf buf = on.call(() -> on.bufs().take(Sizes.CHUNK_BYTES));
            errno(on, done -> device.read(offset, length + 4096, buf, 0, done));
            for (int i = 0; i < length + 4096; i++) {
                byte expected = i < length ? content(offset + i) : 0;
                if (buf.bytes().get(i) != expected) {
                    throw new AssertionError("wrong byte at " + (offset + i));
                }
            }
            on.submit(buf::release);
            at += 5L << 20;
        }
    }

    private static byte content(long offset) {
        return (byte) (offset * 31 + (offset >> 12));
    }

    private static void errno(EventLoop on, Consumer<BlockDevice.Done> start) throws Exception {
        CompletableFuture<Integer> errno = new CompletableFuture<>();
        on.submit(() -> start.accept(errno::complete));
        assertThat(errno.get(DEADLINE_S, TimeUnit.SECONDS)).isZero();
    }
}
