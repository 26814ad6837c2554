package comet.server.control;

import static org.assertj.core.api.Assertions.assertThat;

import comet.base.Buf;
import comet.base.Prng;
import comet.cluster.ClusterInfo;
import comet.cluster.ClusterMap;
import comet.cluster.Command;
import comet.cluster.Command.Attach.Mode;
import comet.cluster.MapUpdate;
import comet.cluster.MemberState;
import comet.cluster.Reply;
import comet.cluster.VolumeInfo.Durability;
import comet.io.loop.EventLoop;
import comet.io.net.Address;
import comet.io.net.SocketDialer;
import comet.io.net.SocketListener;
import comet.port.Connection;
import comet.port.MetaClient;
import comet.server.raft.MetaMember;
import comet.server.raft.MetaStatus;
import comet.server.raft.RaftSettings;
import comet.wire.Frame;
import comet.wire.Hello;
import comet.wire.Lane;
import comet.wire.MessageType;
import comet.wire.Status;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Clients and members in one process, over real sockets on loopback.
@Timeout(60)
class ControlTest {
    private static final Duration SOON = Duration.ofSeconds(30);

    @TempDir Path folder;

    private final EventLoop loop = EventLoop.start("test");
    private final List<AutoCloseable> open = new ArrayList<>();

    @AfterEach
    void stop() throws Exception {
        for (AutoCloseable one : open.reversed()) {
            one.close();
        }
        loop.call(() -> {
            assertThat(loop.frames().out()).isZero();
            return true;
        });
        loop.close();
    }

    /// A member with its service and its listening socket.
    private final class Member implements AutoCloseable {
        private final MetaMember member;
        private final ControlService service;
        private final SocketListener listener;
        private boolean closed;

        Member(RaftSettings settings, String address) throws Exception {
            member = MetaMember.start(settings);
            service = new ControlService(member);
            listener =
                    SocketListener.listen(
                            loop,
                            Address.parse(address),
                            service.acceptor(loop::submit, loop.frames(), loop.bufs()));
            open.add(this);
        }

        String address() {
            return listener.address().toString();
        }

        @Override
        public void close() throws IOException {
            if (!closed) {
                closed = true;
                listener.close();
                service.close();
                member.close();
            }
        }
    }

    /// A client with the map that it follows.
    private final class Client implements AutoCloseable, MetaClient.Listener {
        private final ControlClient client;
        private final BlockingMeta meta;
        private final ClusterMap map = new ClusterMap();
        private final ConcurrentLinkedQueue<Long> asked = new ConcurrentLinkedQueue<>();
        private volatile long revision;
        private volatile boolean yields;
        private volatile long gatewayId;

        Client(ControlClient client) {
            this.client = client;
            meta = new BlockingMeta(client, loop::submit);
            loop.call(() -> {
                client.listen(this);
                return true;
            });
            open.add(this);
        }

        @Override
        public void onUpdate(MapUpdate update) {
            if (!map.apply(update)) {
                client.fetch(map.revision(), this::onUpdate);
            }
            revision = map.revision();
        }

        @Override
        public void onYieldAsked(long volumeId, long term) {
            asked.add(term);
            client.submit(new Command.AnswerYield(volumeId, gatewayId, term, yields), _ -> {});
        }

        Reply submit(Command command) throws Exception {
            return meta.submit(command, SOON);
        }

        long id(Command command) throws Exception {
            Reply reply = submit(command);
            assertThat(reply).isInstanceOf(Reply.Id.class);
            return ((Reply.Id) reply).id();
        }

        void becomeGateway(String name) throws Exception {
            gatewayId = id(new Command.RegisterGateway(name, "host", 1, name.hashCode(), 1));
            loop.submit(() -> client.reportGateway(gatewayId));
        }

        @Override
        public void close() {
            loop.call(() -> {
                client.close();
                return true;
            });
        }
    }

    private Member alone() throws Exception {
        return new Member(RaftSettings.alone("m1", folder.resolve("m1")), "127.0.0.1:0");
    }

    private Client local(Member member) {
        return local(member, new Origin());
    }

    private Client local(Member member, Origin origin) {
        return new Client(
                loop.call(() -> ControlClient.local(origin, member.service, loop, loop::submit)));
    }

    private ControlClient.Network network(List<List<String>> members, long clusterLow) {
        return new ControlClient.Network(
                new SocketDialer(loop),
                loop.frames(),
                loop.bufs(),
                MemberBook.of(members),
                1,
                clusterLow);
    }

    private Client remote(List<List<String>> members) {
        return new Client(
                loop.call(() ->
                        ControlClient.remote(
                                new Origin(), network(members, 2), loop, loop::submit)));
    }

    private static Command create(int pgs) {
        return new Command.CreateCluster(new ClusterInfo(1, 2, pgs, 2));
    }

    private static Command volume(String name) {
        return new Command.CreateVolume(name, 1 << 20, Durability.FLUSH, 1);
    }

    private static void startTwoDisks(Client client) throws Exception {
        for (int i = 1; i <= 2; i++) {
            client.id(new Command.RegisterNode("n" + i, "room-" + i, "h", List.of("h:1")));
            client.id(new Command.AddDisk(i, 9, i, "room-" + i, 1000));
            client.submit(new Command.RegisterDisk(i, 9, i, 1, 0, false, false));
        }
    }

    private static void until(BooleanSupplier fact) throws InterruptedException {
        while (!fact.getAsBoolean()) {
            Thread.sleep(2);
        }
    }

    @Test
    void a_client_in_the_process_of_a_group_of_one_submits_reads_and_follows() throws Exception {
        Client client = local(alone());
        assertThat(client.submit(create(64))).isInstanceOf(Reply.Done.class);
        assertThat(client.id(volume("a"))).isEqualTo(1);
        assertThat(client.submit(volume("a"))).isInstanceOf(Reply.Refused.class);
        MapUpdate all = client.meta.fetch(0, SOON);
        assertThat(all.volumes()).hasSize(1);
        assertThat(all.pgs()).hasSize(64);
        until(() -> client.revision == all.revision());
        assertThat(client.meta.fetch(all.revision(), SOON).pgs()).isEmpty();
    }

    @Test
    void all_clients_of_a_process_act_for_its_gateway() throws Exception {
        Member member = alone();
        Origin process = new Origin();
        Client first = local(member, process);
        Client second = local(member, process);
        first.submit(create(64));
        // The numbers of what they submit do not meet: else one would get the other's answer.
        assertThat(List.of(first.id(volume("a")), second.id(volume("b")), first.id(volume("c"))))
                .containsExactly(1L, 2L, 3L);
        first.becomeGateway("g");
        Command attach = new Command.Attach(2, first.gatewayId, Mode.NORMAL);
        assertThat(second.submit(attach)).isInstanceOf(Reply.Attached.class);
        assertThat(local(member).submit(attach)).isInstanceOf(Reply.Refused.class);
    }

    @Test
    void a_remote_client_gets_a_large_map_and_its_changes() throws Exception {
        Member member = alone();
        Client admin = local(member);
        admin.submit(create(8192));
        startTwoDisks(admin);
        Client client = remote(List.of(List.of(member.address())));
        MapUpdate all = client.meta.fetch(0, SOON);
        assertThat(all.pgs()).hasSize(8192);
        assertThat(all.pgs().get(77).members()).hasSize(2);
        long volume = client.id(volume("a"));
        until(() -> client.revision == admin.revision && client.revision > all.revision());
        assertThat(loop.call(() -> client.map.volume(volume) != null)).isTrue();
        assertThat(loop.call(() -> client.map.image()))
                .isEqualTo(loop.call(() -> admin.map.image()));
    }

    @Test
    void heartbeats_tell_who_lives() throws Exception {
        Member member = alone();
        Client client = remote(List.of(List.of(member.address())));
        client.submit(create(64));
        client.becomeGateway("g");
        loop.submit(() -> client.client.reportDisk(7, 3));
        MetaStatus status = client.meta.status(SOON);
        while (status.disks().isEmpty() || status.gateways().isEmpty()) {
            status = client.meta.status(SOON);
        }
        assertThat(status.leader()).isEqualTo("m1");
        assertThat(status.members()).containsExactly("m1");
        assertThat(status.disks().getFirst().diskId()).isEqualTo(7);
        assertThat(status.disks().getFirst().bootId()).isEqualTo(3);
        assertThat(status.disks().getFirst().alive()).isTrue();
        assertThat(status.gateways().getFirst().gatewayId()).isEqualTo(client.gatewayId);
    }

    @Test
    void a_silent_disk_is_left_behind_by_the_leader_on_its_own() throws Exception {
        Member member = alone();
        Client client = local(member);
        client.submit(create(4));
        startTwoDisks(client);
        // Disk 1 goes on beating; nobody speaks for disk 2.
        loop.submit(() -> client.client.reportDisk(1, bootId(client, 1)));
        until(() -> loop.call(() -> state(client.map, 2)) == MemberState.STALE);
        assertThat(loop.call(() -> state(client.map, 1))).isEqualTo(MemberState.IN_SYNC);
    }

    private static long bootId(Client client, int diskId) {
        return client.map.disk(diskId).bootId();
    }

    private static MemberState state(ClusterMap map, int diskId) {
        return map.pg(0).member(diskId).state();
    }

    @Test
    void only_the_leader_says_what_cannot_be_reached_and_what_moves() throws Exception {
        Member member = alone();
        Client client = remote(List.of(List.of(member.address())));
        client.submit(create(4));
        startTwoDisks(client);
        long bootId = loop.call(() -> bootId(client, 1));
        String move = "{\"pg\":0,\"epoch\":1,\"from\":1,\"to\":2}";
        for (String command :
                List.of(
                        "\"Unreachable\",\"diskId\":1,\"bootId\":" + bootId,
                        "\"StartMoves\",\"moves\":[" + move + "]",
                        "\"EndMoves\",\"pgs\":[]",
                        "\"CancelMoves\",\"pgs\":[]")) {
            Raw raw = new Raw(member.address());
            raw.hello(hello(1, 2, Lane.CONTROL));
            String liar =
                    "{\"type\":\"Submit\",\"submission\":{\"origin\":1,\"sequence\":1,"
                            + "\"command\":{\"type\":%s}}}".formatted(command);
            raw.send(MessageType.CONTROL, 0, liar.getBytes(StandardCharsets.UTF_8));
            raw.awaitEnd();
        }
        assertThat(client.meta.fetch(0, SOON).pgs())
                .allSatisfy(pg ->
                        assertThat(pg.members())
                                .allSatisfy(one ->
                                        assertThat(one.state()).isEqualTo(MemberState.IN_SYNC)));
    }

    @Test
    void a_gateway_that_holds_a_volume_is_asked_and_may_yield() throws Exception {
        Member member = alone();
        Client holder = remote(List.of(List.of(member.address())));
        Client other = local(member);
        other.submit(create(64));
        long volume = other.id(volume("v"));
        holder.becomeGateway("g");
        other.becomeGateway("h");
        Command attach = new Command.Attach(volume, other.gatewayId, Mode.NORMAL);
        holder.submit(new Command.Attach(volume, holder.gatewayId, Mode.NORMAL));
        Reply refused = other.submit(attach);
        assertThat(refused).isInstanceOf(Reply.Refused.class);
        assertThat(((Reply.Refused) refused).code()).isEqualTo("attached-elsewhere");
        assertThat(holder.asked).containsExactly(1L);
        holder.yields = true;
        assertThat(other.submit(attach)).isInstanceOf(Reply.Attached.class);
        assertThat(holder.asked).containsExactly(1L, 1L);
    }

    @Test
    void many_commands_at_once_share_entries() throws Exception {
        Client client = local(alone());
        client.submit(create(64));
        List<CompletableFuture<Reply>> replies = new ArrayList<>();
        loop.call(() -> {
            for (int i = 0; i < 500; i++) {
                CompletableFuture<Reply> reply = new CompletableFuture<>();
                client.client.submit(volume("v" + i), reply::complete);
                replies.add(reply);
            }
            return true;
        });
        for (CompletableFuture<Reply> reply : replies) {
            assertThat(reply.get(20, TimeUnit.SECONDS)).isInstanceOf(Reply.Id.class);
        }
        assertThat(client.meta.fetch(0, SOON).revision()).isLessThan(100);
    }

    /// Three members on free ports.
    private List<RaftSettings> three() throws IOException {
        List<RaftSettings.Member> members = new ArrayList<>();
        List<ServerSocket> sockets = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            sockets.add(new ServerSocket(0));
        }
        for (int i = 0; i < 3; i++) {
            members.add(
                    new RaftSettings.Member(
                            "m" + (i + 1),
                            "127.0.0.1",
                            sockets.get(i).getLocalPort(),
                            List.of("127.0.0.1:" + sockets.get(3 + i).getLocalPort())));
        }
        for (ServerSocket socket : sockets) {
            socket.close();
        }
        return members.stream()
                .map(member ->
                        new RaftSettings(member.name(), members, folder.resolve(member.name()), 50))
                .toList();
    }

    private static List<List<String>> controls(List<RaftSettings> settings) {
        return settings.stream().map(one -> one.member().control()).toList();
    }

    /// Whoever leads is stopped again and again, in the middle of what a client asks: each command
    /// is decided exactly once.
    @Test
    @Tag("long")
    @Timeout(180)
    void commands_are_decided_once_however_often_the_leader_changes() throws Exception {
        List<RaftSettings> settings = three();
        List<Member> group = new ArrayList<>();
        for (RaftSettings one : settings) {
            group.add(new Member(one, one.member().control().getFirst()));
        }
        Client client = remote(controls(settings));
        client.submit(create(64));
        client.becomeGateway("g");
        long volume = client.id(volume("v"));
        AtomicBoolean stop = new AtomicBoolean();
        AtomicLong attached = new AtomicLong();
        CompletableFuture<Void> asking =
                CompletableFuture.runAsync(() -> {
                    while (!stop.get()) {
                        Reply reply = attach(client, volume);
                        long expected = attached.incrementAndGet();
                        assertThat(reply).isInstanceOf(Reply.Attached.class);
                        assertThat(((Reply.Attached) reply).term()).isEqualTo(expected);
                    }
                });
        for (int round = 0; round < 6; round++) {
            long before = attached.get();
            until(() -> attached.get() > before + 20 || asking.isDone());
            for (int i = 0; i < group.size(); i++) {
                if (group.get(i).member.leads()) {
                    group.get(i).close();
                    group.set(i, new Member(settings.get(i), controls(settings).get(i).getFirst()));
                    break;
                }
            }
        }
        stop.set(true);
        asking.get(60, TimeUnit.SECONDS);
        MapUpdate all = client.meta.fetch(0, SOON);
        assertThat(all.volumes().getFirst().lastTerm()).isEqualTo(attached.get());
    }

    private static Reply attach(Client client, long volume) {
        try {
            return client.submit(new Command.Attach(volume, client.gatewayId, Mode.NORMAL));
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void clients_follow_the_leader_of_three() throws Exception {
        List<RaftSettings> settings = three();
        List<List<String>> addresses = controls(settings);
        List<Member> group = new ArrayList<>();
        for (RaftSettings one : settings) {
            group.add(new Member(one, one.member().control().getFirst()));
        }
        Client client = remote(addresses);
        Client inside =
                new Client(
                        loop.call(() ->
                                ControlClient.member(
                                        new Origin(),
                                        group.get(0).service,
                                        network(addresses, 2),
                                        loop,
                                        loop::submit)));
        client.submit(create(64));
        assertThat(client.id(volume("a"))).isEqualTo(1);
        assertThat(inside.id(volume("b"))).isEqualTo(2);
        until(() -> client.revision == 3 && inside.revision == 3);
        for (Member member : group) {
            if (member.member.leads()) {
                member.close();
                break;
            }
        }
        assertThat(client.id(volume("c"))).isEqualTo(3);
        until(() -> client.revision == 4);
        if (!group.getFirst().closed) {
            assertThat(inside.id(volume("d"))).isEqualTo(4);
        }
    }

    @Test
    void a_client_of_another_cluster_is_refused() throws Exception {
        Member member = alone();
        local(member).submit(create(64));
        Raw raw = new Raw(member.address());
        Frame answer = raw.hello(hello(1, 3, Lane.CONTROL));
        assertThat(answer.status()).isEqualTo(Status.REFUSED);
        raw.awaitEnd();
        Raw unknown = new Raw(member.address());
        assertThat(unknown.hello(hello(0, 0, Lane.CONTROL)).status()).isEqualTo(Status.OK);
        Raw disk = new Raw(member.address());
        assertThat(disk.hello(hello(1, 2, Lane.WRITE)).status()).isEqualTo(Status.REFUSED);
        disk.awaitEnd();
    }

    @Test
    void what_is_malformed_ends_its_connection_and_nothing_else() throws Exception {
        Member member = alone();
        Client client = remote(List.of(List.of(member.address())));
        client.submit(create(64));
        Prng prng = new Prng(5);
        for (int i = 0; i < 60; i++) {
            Raw raw = new Raw(member.address());
            raw.hello(hello(1, 2, Lane.CONTROL));
            byte[] bytes = new byte[1 + prng.nextInt(200)];
            for (int at = 0; at < bytes.length; at++) {
                bytes[at] = (byte) prng.nextInt(256);
            }
            raw.send(MessageType.CONTROL, 2 * prng.nextInt(2), bytes);
            raw.awaitEnd();
        }
        for (String bad :
                List.of(
                        "{}",
                        "{\"type\":\"Submit\"}",
                        "{\"type\":\"Submit\",\"submission\":{\"origin\":1,\"sequence\":1}}",
                        "{\"type\":\"Submit\",\"submission\":{\"origin\":1,\"sequence\":1,"
                                + "\"command\":{\"type\":\"RenameVolume\",\"volumeId\":1}}}")) {
            Raw raw = new Raw(member.address());
            raw.hello(hello(1, 2, Lane.CONTROL));
            raw.send(MessageType.CONTROL, 0, bad.getBytes(StandardCharsets.UTF_8));
            raw.awaitEnd();
        }
        Raw early = new Raw(member.address());
        early.connected.get(10, TimeUnit.SECONDS);
        early.send(MessageType.CONTROL, 0, new byte[] {1});
        early.awaitEnd();
        Raw endless = new Raw(member.address());
        endless.hello(hello(1, 2, Lane.CONTROL));
        for (int i = 0; i < 3; i++) {
            endless.send(MessageType.CONTROL, Documents.MORE, new byte[1 << 19]);
        }
        endless.awaitEnd();
        assertThat(client.id(volume("still-here"))).isEqualTo(1);
    }

    private static Hello hello(long high, long low, Lane lane) {
        return new Hello(1, 1, 0, high, low, lane, 0, 0, 0, 0);
    }

    /// A connection on which anything can be sent.
    private final class Raw implements Connection.Dialed, Connection.Handler {
        private final CompletableFuture<Connection> connected = new CompletableFuture<>();
        private final CompletableFuture<Frame> answer = new CompletableFuture<>();
        private final CompletableFuture<String> ended = new CompletableFuture<>();

        Raw(String address) {
            loop.submit(() -> new SocketDialer(loop).dial(List.of(address), this));
        }

        Frame hello(Hello hello) throws Exception {
            Connection connection = connected.get(10, TimeUnit.SECONDS);
            loop.submit(() -> connection.send(hello.encode(loop.frames().take(), 1)));
            return answer.get(10, TimeUnit.SECONDS);
        }

        void send(int type, int flags, byte[] bytes) throws Exception {
            Connection connection = connected.get(10, TimeUnit.SECONDS);
            loop.submit(() -> {
                Buf data = loop.bufs().take(bytes.length);
                data.bytes().put(0, bytes);
                Frame frame = loop.frames().take().start(type, 3, Frame.HEADER_BYTES);
                connection.send(frame.flags(flags).data(data, 0, bytes.length));
            });
        }

        void awaitEnd() throws Exception {
            ended.get(10, TimeUnit.SECONDS);
        }

        @Override
        public Connection.Handler onConnect(Connection connection) {
            connected.complete(connection);
            return this;
        }

        @Override
        public void onFailed(String why) {
            ended.complete(why);
        }

        @Override
        public void onFrame(Frame frame) {
            answer.complete(frame);
            frame.release();
        }

        @Override
        public void onClosed(@Nullable String why) {
            ended.complete(String.valueOf(why));
        }
    }
}
