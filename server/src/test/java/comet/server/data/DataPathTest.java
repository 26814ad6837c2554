package comet.server.data;

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
import comet.port.Events;
import comet.port.MetaClient;
import comet.replica.NodeConfig;
import comet.store.Disk;
import comet.store.StoreConfig;
import comet.volume.BlockDevice;
import comet.volume.Gateway;
import comet.volume.GatewayConfig;
import comet.volume.VolumeStatus;
import java.io.IOException;
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

    private GatewayData started(List<EventLoop> loops, int life) throws Exception {
        List<GatewayData.Place> places = new ArrayList<>();
        for (EventLoop each : loops) {
            places.add(new GatewayData.Place(each, group.client(each), new SocketDialer(each)));
        }
        return GatewayData.start(
                places, "g", new UUID(1, 1), life, "host", GatewayConfig.defaults(), events);
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

    /// A storage node with one disk, in a domain of its own.
    private final class Node {
        final String name;
        final EventLoop nodeLoop;
        final NodeData data;

        Node(String name) throws DataException, InterruptedException, IOException {
            this(name, new JournalMemory(256L << 20, 0, 64L << 20));
        }

        Node(String name, JournalMemory memory)
                throws DataException, InterruptedException, IOException {
            this.name = name;
            Path home = folder.resolve(name);
            Files.createDirectories(home.resolve("disk"));
            nodeLoop = newLoop(name);
            data =
                    new NodeData(
                            nodeLoop,
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
                            group.client(nodeLoop),
                            new SocketDialer(nodeLoop),
                            events);
            Address address = data.listen(new Address.Unix(home.resolve("sock")));
            try {
                data.join(
                        List.of(address.toString()),
                        List.of(new NodeDisk.Settings(home.resolve("disk"), null, 0, null)));
            } catch (DataException e) {
                close();
                throw e;
            }
        }

        Node restart() throws DataException, InterruptedException, IOException {
            close();
            return new Node(name);
        }

        void close() {
            data.close();
            nodeLoop.close();
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
