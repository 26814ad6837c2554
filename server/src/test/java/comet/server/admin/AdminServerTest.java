package comet.server.admin;

import static org.assertj.core.api.Assertions.assertThat;

import comet.cluster.ClusterInfo;
import comet.cluster.Command;
import comet.cluster.DiskInfo;
import comet.cluster.GroupMember;
import comet.cluster.MapUpdate;
import comet.cluster.MemberState;
import comet.cluster.NodeInfo;
import comet.cluster.PgConfig;
import comet.cluster.PgConfig.Member;
import comet.cluster.SettingValue;
import comet.cluster.VolumeInfo;
import comet.cluster.VolumeInfo.Durability;
import comet.cluster.VolumeLimits;
import comet.meta.GroupEvent;
import comet.meta.Moves;
import comet.server.config.AdminConfig;
import comet.server.config.HostPort;
import comet.server.raft.DiskUse;
import comet.server.raft.MemberSeen;
import comet.server.raft.MetaStatus;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.net.URI;
import java.net.UnixDomainSocketAddress;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class AdminServerTest {
    @TempDir Path folder = Path.of("");
    private final FakeGroup group = new FakeGroup();
    private final EventLog events = new EventLog("test");
    private final HttpClient http = HttpClient.newHttpClient();
    private AdminServer server;

    @BeforeEach
    void start() throws IOException {
        Metrics metrics = new Metrics();
        metrics.add(new ProcessMetrics("test", events));
        Admin admin = new Admin(group, null, null, events::last, metrics, List::of);
        server =
                AdminServer.start(
                        new AdminConfig(
                                folder.resolve("admin.sock"),
                                new HostPort("127.0.0.1", 0),
                                folder.resolve("admin.token")),
                        admin);
    }

    @AfterEach
    void stop() {
        server.close();
        http.close();
    }

    private String token() throws IOException {
        return Files.readString(folder.resolve("admin.token")).strip();
    }

    private HttpRequest.Builder request(String path) throws IOException {
        return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.port() + path))
                .header("Authorization", "Bearer " + token());
    }

    private HttpResponse<String> send(HttpRequest.Builder request)
            throws IOException, InterruptedException {
        return http.send(request.build(), HttpResponse.BodyHandlers.ofString());
    }

    private JsonNode get(String path) throws IOException, InterruptedException {
        return JsonMapper.shared().readTree(send(request(path)).body());
    }

    private HttpResponse<String> post(String path, String body)
            throws IOException, InterruptedException {
        return send(request(path).POST(HttpRequest.BodyPublishers.ofString(body)));
    }

    private static MetaStatus waiting(String name, String groupId) {
        GroupMember member = new GroupMember(name, "127.0.0.1:9", "127.0.0.1:3", "folder");
        return new MetaStatus(
                name, null, 0, List.of(), false, 0, List.of(), List.of(), null, List.of(),
                List.of(), List.of(), groupId, member);
    }

    @Test
    void members_of_the_metadata_group_come_and_go() throws Exception {
        twoNodes();
        GroupMember first = new GroupMember("node-1", "127.0.0.1:8", "127.0.0.1:1", "f");
        group.members.add(new MemberSeen(first, true, true, 0, 9, 0));
        group.waiting.put("127.0.0.1:3", waiting("w", "group"));
        group.waiting.put("127.0.0.1:4", waiting("w", "another"));
        String add = "{\"name\": \"%s\", \"control\": \"%s\"}";
        assertThat(post("/v1/members", add.formatted("w", "127.0.0.1:5")).body())
                .contains("member-silent");
        assertThat(post("/v1/members", add.formatted("v", "127.0.0.1:3")).body())
                .contains("wrong-member", "carries member w, not v");
        assertThat(post("/v1/members", add.formatted("w", "127.0.0.1:4")).body())
                .contains("other-group", "meta.join");
        assertThat(post("/v1/members", add.formatted("w", "nowhere")).statusCode()).isEqualTo(400);
        assertThat(group.members).hasSize(1);
        assertThat(post("/v1/members", add.formatted("w", "127.0.0.1:3")).statusCode())
                .isEqualTo(201);
        JsonNode members = get("/v1/members").path("members");
        assertThat(members.path(0).path("role").asString()).isEqualTo("leader");
        assertThat(members.path(0).path("domain").asString()).isEqualTo("a");
        assertThat(members.path(1).path("name").asString()).isEqualTo("w");
        assertThat(members.path(1).path("domain").asString()).isEmpty();
        group.silent.add("node-1");
        assertThat(get("/v1/health").toString())
                .contains("member-away", "metadata member node-1 does not answer");
        assertThat(post("/v1/members/node-1/remove", "").statusCode()).isEqualTo(200);
        assertThat(get("/v1/members").path("members")).hasSize(1);
    }

    /// Two disks on two nodes, two groups, one volume.
    private void twoNodes() {
        group.update(
                new MapUpdate(
                        0,
                        5,
                        new ClusterInfo(1, 2, 2, 2),
                        List.of(
                                new NodeInfo(1, "node-1", "a", "h", List.of("127.0.0.1:1")),
                                new NodeInfo(2, "node-2", "b", "h", List.of("127.0.0.1:2"))),
                        List.of(
                                new DiskInfo(1, 0, 1, 1, "a", 100, 7, 1, DiskInfo.State.ACTIVE),
                                new DiskInfo(2, 0, 2, 2, "b", 100, 8, 1, DiskInfo.State.ACTIVE)),
                        List.of(),
                        List.of(pg(0), pg(1)),
                        List.of(
                                new VolumeInfo(
                                        1,
                                        "disk0",
                                        1 << 30,
                                        Durability.FLUSH,
                                        1,
                                        0,
                                        null,
                                        true,
                                        1,
                                        0)),
                        List.of()));
        group.disks.put(1, new GroupStatus.Seen(true, 10, 7));
        group.disks.put(2, new GroupStatus.Seen(true, 10, 8));
    }

    private static PgConfig pg(int pg) {
        return new PgConfig(
                pg,
                1,
                List.of(
                        new Member(1, 7, MemberState.IN_SYNC),
                        new Member(2, 8, MemberState.IN_SYNC)));
    }

    @Test
    void tcp_wants_the_token_and_our_own_name() throws Exception {
        HttpRequest.Builder without =
                HttpRequest.newBuilder(
                        URI.create("http://127.0.0.1:" + server.port() + "/v1/volumes"));
        assertThat(send(without).statusCode()).isEqualTo(401);
        assertThat(send(without.header("Authorization", "Bearer nonsense")).statusCode())
                .isEqualTo(401);
        assertThat(send(request("/v1/volumes")).statusCode()).isEqualTo(200);
        assertThat(
                        send(request("/v1/volumes").header("Origin", "http://evil.example"))
                                .statusCode())
                .isEqualTo(403);
        assertThat(raw("Host: evil.example:" + server.port())).startsWith("HTTP/1.1 421");
        assertThat(raw("Host: localhost:" + server.port())).startsWith("HTTP/1.1 200");
    }

    private String raw(String host) throws IOException {
        try (SocketChannel channel =
                SocketChannel.open(
                        new InetSocketAddress(InetAddress.getLoopbackAddress(), server.port()))) {
            return exchange(channel, host + "\r\nAuthorization: Bearer " + token());
        }
    }

    private static String exchange(SocketChannel channel, String headers) throws IOException {
        String text = "GET /v1/volumes HTTP/1.1\r\n" + headers + "\r\nConnection: close\r\n\r\n";
        channel.write(ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII)));
        return new String(Channels.newInputStream(channel).readAllBytes(), StandardCharsets.UTF_8);
    }

    @Test
    void the_unix_socket_needs_no_token_but_only_its_owner_opens_it() throws Exception {
        Path socket = folder.resolve("admin.sock");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(socket)))
                .isEqualTo("rw-------");
        assertThat(
                        PosixFilePermissions.toString(
                                Files.getPosixFilePermissions(folder.resolve("admin.token"))))
                .isEqualTo("rw-------");
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            channel.connect(UnixDomainSocketAddress.of(socket));
            assertThat(exchange(channel, "Host: localhost")).startsWith("HTTP/1.1 200");
        }
    }

    @Test
    void settings_are_listed_and_changed() throws Exception {
        twoNodes();
        JsonNode first = get("/v1/settings").at("/settings/0");
        assertThat(first.path("key").asString()).isEqualTo("recovery-share");
        assertThat(first.path("value").asString()).isEqualTo("80%");
        assertThat(first.path("isSet").asBoolean()).isFalse();
        String body = "{\"settings\":{\"recovery-share\":\" 50% \",\"recovery-rate\":null}}";
        assertThat(post("/v1/settings", body).statusCode()).isEqualTo(200);
        assertThat(group.commands)
                .containsExactly(
                        new Command.ChangeSettings(
                                List.of(
                                        new SettingValue("recovery-rate", ""),
                                        new SettingValue("recovery-share", "50%"))));
        assertThat(post("/v1/settings", "{}").body()).contains("settings");
    }

    @Test
    void limits_that_are_not_named_stay() throws Exception {
        twoNodes();
        VolumeInfo volume = group.map.volume(1L);
        group.update(
                new MapUpdate(
                        5,
                        6,
                        null,
                        List.of(),
                        List.of(),
                        List.of(),
                        List.of(),
                        List.of(volume.withLimits(new VolumeLimits(7, 8, 9))),
                        List.of()));
        assertThat(post("/v1/volumes/disk0/limits", "{\"iops\":70}").statusCode()).isEqualTo(200);
        assertThat(post("/v1/volumes/disk0/limits", "{\"bytesPerSecond\":0}").statusCode())
                .isEqualTo(200);
        assertThat(group.commands)
                .containsExactly(
                        new Command.LimitVolume(1, new VolumeLimits(70, 8, 9)),
                        new Command.LimitVolume(1, new VolumeLimits(7, 0, 9)));
        assertThat(get("/v1/volumes/disk0").at("/limits/bytesPerSecond").asLong()).isEqualTo(8);
    }

    @Test
    void what_is_wrong_with_a_request_is_said_in_json() throws Exception {
        twoNodes();
        assertThat(send(request("/nowhere")).body()).contains("unknown-path");
        assertThat(post("/v1/volumes", "{").body()).contains("bad-request");
        assertThat(post("/v1/volumes", "{\"nme\":\"a\"}").body()).contains("nme");
        assertThat(post("/v1/volumes", "{\"name\":\"a\"}").body()).contains("sizeBytes");
        assertThat(post("/v1/volumes", "{\"name\":\"a/b\",\"sizeBytes\":4096}").body())
                .contains("bad-name");
        assertThat(post("/v1/volumes", "{\"name\":\"a\",\"sizeBytes\":0}").body())
                .contains("bad-size");
        assertThat(post("/v1/volumes", "{\"name\":\"a\",\"sizeBytes\":4097}").body())
                .contains("bad-size");
        assertThat(post("/v1/volumes", "{\"name\":\"a\",\"sizeBytes\":" + (65L << 40) + "}").body())
                .contains("64 TiB");
        assertThat(post("/v1/volumes/disk0/resize", "{\"sizeBytes\":4096}").body())
                .contains("only grow");
        assertThat(post("/v1/volumes/none/resize", "{\"sizeBytes\":4096}").statusCode())
                .isEqualTo(404);
        assertThat(group.commands).isEmpty();
    }

    /// Also a client that is still sending hears it.
    @Test
    void too_long_a_request_is_refused_with_an_answer() throws Exception {
        for (int bytes : new int[] {66_000, 100_000, 4_000_000}) {
            HttpResponse<String> answer = post("/v1/volumes", "x".repeat(bytes));
            assertThat(answer.statusCode()).isEqualTo(413);
            assertThat(answer.body()).contains("bad-request");
        }
        assertThat(group.commands).isEmpty();
    }

    @Test
    void a_connection_goes_on_after_a_refusal() throws Exception {
        twoNodes();
        for (int i = 0; i < 100; i++) {
            assertThat(post("/v1/volumes/none/resize", "{\"sizeBytes\":4096}").statusCode())
                    .isEqualTo(404);
        }
    }

    @Test
    void commands_reach_the_group() throws Exception {
        twoNodes();
        assertThat(post("/v1/volumes/disk0/resize", "{\"sizeBytes\":2147483648}").statusCode())
                .isEqualTo(200);
        assertThat(group.commands).containsExactly(new Command.ResizeVolume(1, 2L << 30));
    }

    @Test
    void disks_and_nodes_are_changed() throws Exception {
        twoNodes();
        String[][] requests = {
            {"/v1/disks/2/weight", "{\"weightBytes\":5}"},
            {"/v1/disks/2/remove", ""},
            {"/v1/disks/2/keep", ""},
            {"/v1/disks/2/replace", "{\"by\":1}"},
            {"/v1/nodes/node-2/drain", ""},
            {"/v1/nodes/node-2/undrain", ""},
            {"/v1/nodes/node-2/maintenance", "{\"on\":true}"},
            {"/v1/nodes/node-2/maintenance", "{\"on\":false}"},
        };
        for (String[] request : requests) {
            assertThat(post(request[0], request[1]).statusCode()).as(request[0]).isEqualTo(200);
        }
        assertThat(group.commands)
                .containsExactly(
                        new Command.SetDiskWeight(2, 5),
                        new Command.SetDiskStates(List.of(2), DiskInfo.State.REMOVING),
                        new Command.SetDiskStates(List.of(2), DiskInfo.State.ACTIVE),
                        new Command.ReplaceDisk(2, 1),
                        new Command.SetDiskStates(List.of(2), DiskInfo.State.DRAINING),
                        new Command.SetDiskStates(List.of(), DiskInfo.State.ACTIVE),
                        new Command.SetMaintenance(2, Long.MAX_VALUE),
                        new Command.SetMaintenance(2, 0));
        group.commands.clear();
        assertThat(post("/v1/nodes/node-2/remove", "").body()).contains("drain the node first");
        assertThat(post("/v1/nodes/node-1/remove", "").body())
                .contains("node-is-member", "replace-member node-1 NEW=HOST:PORT");
        assertThat(post("/v1/nodes/none/drain", "").body()).contains("unknown-node");
        assertThat(post("/v1/disks/x/remove", "").body()).contains("unknown-disk");
        assertThat(post("/v1/disks/2/weight", "").body()).contains("weightBytes");
        assertThat(post("/v1/nodes/node-2/maintenance", "{}").body()).contains("`on`");
        assertThat(post("/v1/nodes/node-2/maintenance", "{\"on\":true,\"seconds\":0}").body())
                .contains("bad-time");
        assertThat(group.commands).isEmpty();
    }

    @Test
    void what_would_not_fit_on_the_other_disks_stays() throws Exception {
        twoNodes();
        group.disks.put(
                1, new GroupStatus.Seen(true, 10, 7, new DiskUse(1, 60 << 20, 100 << 20, "/d")));
        group.disks.put(
                2, new GroupStatus.Seen(true, 10, 8, new DiskUse(2, 60 << 20, 100 << 20, "/d")));
        assertThat(post("/v1/disks/2/remove", "").body()).contains("no-space");
        assertThat(post("/v1/nodes/node-2/drain", "").body()).contains("add disks first");
        assertThat(group.commands).isEmpty();
    }

    @Test
    void moves_are_told_with_the_time_they_take() throws Exception {
        twoNodes();
        assertThat(get("/v1/moves").at("/waiting").asInt()).isZero();
        assertThat(get("/v1/health").toString()).doesNotContain("moving");
        TreeMap<Integer, Integer> from = new TreeMap<>();
        from.put(1, 90);
        group.moves = new Moves.Progress(80, 10, 30, 2, 60, from);
        group.disks.put(
                1, new GroupStatus.Seen(true, 10, 7, new DiskUse(1, 20 << 20, 1 << 30, "/d")));
        JsonNode moves = get("/v1/moves");
        assertThat(moves.at("/secondsLeft").asInt()).isEqualTo(90);
        assertThat(moves.at("/bytesLeft").asLong()).isEqualTo(900L << 20);
        assertThat(moves.at("/rebuildAfterSeconds").asLong()).isEqualTo(900);
        assertThat(get("/v1/cluster").at("/moves/moving").asInt()).isEqualTo(10);
        assertThat(get("/v1/health").toString())
                .contains("90 placement groups are to move, 10 of them do so now, about 90 s left")
                .contains("rebuild-impossible");
        assertThat(get("/v1/health").at("/items/0/code").asString()).isEqualTo("moving");
        assertThat(get("/v1/health").at("/items/0/passes").asBoolean()).isTrue();
        assertThat(get("/v1/health").at("/items/1/passes").asBoolean()).isFalse();
    }

    @Test
    void a_group_that_moves_is_well() throws Exception {
        twoNodes();
        List<Member> members =
                List.of(
                        new Member(1, 7, MemberState.IN_SYNC),
                        new Member(2, 8, MemberState.IN_SYNC),
                        new Member(3, 9, MemberState.RECOVERING));
        DiskInfo third = new DiskInfo(3, 0, 3, 2, "b", 100, 9, 1, DiskInfo.State.ACTIVE);
        PgConfig moving = new PgConfig(0, 2, members, new PgConfig.Move(2, 3));
        NodeInfo maintained =
                new NodeInfo(1, "node-1", "a", "h", List.of("127.0.0.1:1"))
                        .withMaintenance(Long.MAX_VALUE);
        group.update(
                new MapUpdate(
                        5,
                        6,
                        null,
                        List.of(maintained),
                        List.of(third),
                        List.of(),
                        List.of(moving),
                        List.of(),
                        List.of()));
        group.disks.put(3, new GroupStatus.Seen(true, 10, 9));
        assertThat(get("/v1/pgs/0").at("/state").asString()).isEqualTo("moving");
        assertThat(get("/v1/disks").at("/disks/2/pgsHeld").asInt()).isEqualTo(1);
        assertThat(get("/v1/health").toString())
                .doesNotContain("pgs-recovering")
                .contains("node node-1 is in maintenance");
    }

    @Test
    void listings_show_the_map() throws Exception {
        twoNodes();
        assertThat(get("/v1/volumes").at("/volumes/0/name").asString()).isEqualTo("disk0");
        assertThat(get("/v1/nodes").at("/nodes/1/domain").asString()).isEqualTo("b");
        assertThat(get("/v1/disks").at("/disks/0/pgsInSync").asInt()).isEqualTo(2);
        assertThat(get("/v1/pgs/1").at("/state").asString()).isEqualTo("ok");
        assertThat(get("/v1/pgs?notWell=true").at("/pgs").size()).isZero();
        assertThat(get("/v1/pgs/2").at("/code").asString()).isEqualTo("unknown-pg");
        assertThat(get("/v1/cluster").at("/disksAlive").asInt()).isEqualTo(2);
        assertThat(get("/v1/health").at("/status").asString()).isEqualTo("ok");
    }

    @Test
    void health_names_whom_placement_groups_wait_for() throws Exception {
        twoNodes();
        group.disks.put(2, new GroupStatus.Seen(false, 9000, 8));
        JsonNode health = get("/v1/health");
        assertThat(health.at("/status").asString()).isEqualTo("error");
        assertThat(health.toString())
                .contains("disk-away")
                .contains("2 placement groups wait for disk 2 (node-2)");
        assertThat(get("/v1/pgs/0").at("/state").asString()).isEqualTo("waiting");
    }

    @Test
    void disks_of_other_processes_are_as_full_as_their_nodes_said() throws Exception {
        twoNodes();
        group.disks.put(
                2, new GroupStatus.Seen(true, 10, 8, new DiskUse(2, 96 << 20, 100 << 20, "/d")));
        assertThat(get("/v1/disks").at("/disks/0/level").isNull()).isTrue();
        assertThat(get("/v1/disks").at("/disks/1/level").asString()).isEqualTo("full");
        assertThat(get("/v1/nodes").at("/nodes/1/usedBytes").asLong()).isEqualTo(96 << 20);
        assertThat(get("/v1/cluster").at("/usedBytes").isNull()).isTrue();
        assertThat(get("/v1/cluster").at("/disksFull").asInt()).isEqualTo(1);
        assertThat(get("/v1/health").toString()).contains("disk-full").contains("96% full");
        group.disks.put(
                1, new GroupStatus.Seen(true, 10, 7, new DiskUse(1, 4 << 20, 100 << 20, "/d")));
        assertThat(get("/v1/cluster").at("/usedBytes").asLong()).isEqualTo(100 << 20);
        assertThat(get("/v1/disks").at("/disks/0/level").asString()).isEqualTo("ok");
    }

    @Test
    void what_is_free_in_a_file_system_counts_once() throws Exception {
        twoNodes();
        DiskUse one = new DiskUse(1, 4 << 20, 100 << 20, "/d", "h:1");
        group.disks.put(1, new GroupStatus.Seen(true, 10, 7, one));
        DiskUse other = new DiskUse(2, 10 << 20, 104 << 20, "/e", "h:1");
        group.disks.put(2, new GroupStatus.Seen(true, 10, 8, other));
        assertThat(get("/v1/cluster").at("/capacityBytes").asLong()).isEqualTo(110 << 20);
        assertThat(get("/v1/cluster").at("/disksSharing").asInt()).isEqualTo(2);
        other = new DiskUse(2, 10 << 20, 104 << 20, "/e", "h:2");
        group.disks.put(2, new GroupStatus.Seen(true, 10, 8, other));
        assertThat(get("/v1/cluster").at("/capacityBytes").asLong()).isEqualTo(204 << 20);
        assertThat(get("/v1/cluster").at("/disksSharing").asInt()).isZero();
    }

    @Test
    void health_tells_recovering_groups_and_a_group_without_quorum() throws Exception {
        twoNodes();
        group.update(
                new MapUpdate(
                        5,
                        6,
                        null,
                        List.of(),
                        List.of(),
                        List.of(),
                        List.of(
                                new PgConfig(
                                        0,
                                        2,
                                        List.of(
                                                new Member(1, 7, MemberState.IN_SYNC),
                                                new Member(2, 8, MemberState.RECOVERING)))),
                        List.of(),
                        List.of()));
        JsonNode health = get("/v1/health");
        assertThat(health.at("/status").asString()).isEqualTo("warn");
        assertThat(health.toString()).contains("pgs-recovering");
        group.reachable = false;
        assertThat(get("/v1/health").toString()).contains("no-quorum");
        assertThat(send(request("/v1/volumes")).statusCode()).isEqualTo(503);
    }

    @Test
    void what_the_group_decided_is_told_after_what_is_known() throws Exception {
        for (int n = 1; n <= 3; n++) {
            group.events.add(
                    new GroupEvent(
                            n,
                            5,
                            comet.port.Events.Level.WARN,
                            "disk-left-behind",
                            "disk 3 on node-2",
                            3,
                            0,
                            0,
                            "leader m1",
                            "why",
                            "what"));
        }
        assertThat(get("/v1/events").at("/events")).hasSize(3);
        JsonNode last = get("/v1/events?after=2").at("/events");
        assertThat(last).hasSize(1);
        assertThat(last.toString())
                .isEqualTo(
                        "[{\"number\":3,\"timeMs\":5,\"level\":\"warn\",\"code\":\"disk-left-behind\","
                                + "\"subject\":\"disk 3 on node-2\",\"disk\":3,\"volume\":null,"
                                + "\"gateway\":null,\"reporter\":\"leader m1\",\"cause\":\"why\","
                                + "\"consequence\":\"what\"}]");
        assertThat(send(request("/v1/events?after=x")).statusCode()).isEqualTo(400);
    }

    @Test
    void metrics_are_in_prometheus_format() throws Exception {
        events.event(comet.port.Events.Level.WARN, "something", "a=1");
        HttpResponse<String> response = send(request("/metrics"));
        assertThat(response.headers().firstValue("Content-Type").orElse(""))
                .startsWith("text/plain");
        assertThat(response.body())
                .contains("# TYPE comet_events_total counter")
                .contains("comet_events_total{process=\"test\",level=\"warn\"} 1");
        PrometheusText.parse(response.body());
        assertThat(response.body().lines())
                .allMatch(line ->
                        line.startsWith("# ") || line.matches("[a-z_]+(\\{.*})? [-0-9.eE+]+"));
        assertThat(get("/v1/process/events").at("/events/0/code").asString())
                .isEqualTo("something");
    }
}
