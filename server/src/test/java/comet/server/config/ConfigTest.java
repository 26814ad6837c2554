package comet.server.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import comet.io.loop.Transport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.assertj.core.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConfigTest {
    private static final String NODE =
            """
            name = node-1
            domain = a
            group = ["127.0.0.1:7493"]
            disks = [ { path = disk-1 }, { path = /srv/disk-2, weight = 2T, domain = b } ]
            """;

    @TempDir Path folder = Path.of("");

    private Path file(String text) throws IOException {
        return Files.writeString(folder.resolve("test.conf"), text);
    }

    private NodeConfig node(String text, String... overrides) throws IOException {
        return NodeConfig.read(file(text), List.of(overrides));
    }

    @Test
    void a_node_has_these_defaults() throws IOException {
        NodeConfig node = node(NODE);
        assertThat(node.listen()).hasToString("127.0.0.1:7491");
        assertThat(node.advertise()).isEqualTo(node.listen());
        assertThat(node.data()).isEqualTo(folder.toAbsolutePath());
        assertThat(node.socket()).isEqualTo(folder.toAbsolutePath().resolve("node.sock"));
        assertThat(node.journal().bytes()).isEqualTo(1L << 30);
        assertThat(node.meta()).isNull();
        assertThat(node.admin().listen()).isNull();
        assertThat(node.disks()).hasSize(2);
        assertThat(node.disks().get(0).path()).isEqualTo(folder.toAbsolutePath().resolve("disk-1"));
        assertThat(node.disks().get(0).weightBytes()).isZero();
        assertThat(node.disks().get(1).weightBytes()).isEqualTo(2L << 40);
        assertThat(node.disks().get(1).domain()).isEqualTo("b");
    }

    @Test
    void a_gateway_has_these_defaults() throws IOException {
        GatewayConfig gateway =
                GatewayConfig.read(file("name = g\ngroup = [\"[::1]:7493\"]\n"), List.of());
        assertThat(gateway.idleDetach()).isEqualTo(Duration.ofSeconds(30));
        assertThat(gateway.exports()).isEmpty();
        assertThat(gateway.nbdListen()).isNull();
        assertThat(gateway.memoryBytes()).isEqualTo(256L << 20);
        assertThat(gateway.group()).containsExactly(new HostPort("::1", 7493));
    }

    @Test
    void an_unknown_key_is_refused_with_file_line_and_the_nearest_one() {
        assertThatThrownBy(() -> node(NODE + "jornal-size = 1G\n"))
                .hasMessageContaining("test.conf:5:")
                .hasMessageContaining("`jornal-size` is no key here")
                .hasMessageContaining("`journal-size`");
        assertThatThrownBy(() -> node(NODE + "admin { soket = x }\n"))
                .hasMessageContaining("`admin.soket`")
                .hasMessageContaining("`admin.socket`");
        assertThatThrownBy(() -> node(NODE.replace("path = disk-1", "path = a, wieght = 1")))
                .hasMessageContaining("test.conf:4:")
                .hasMessageContaining("`weight`");
    }

    @Test
    void a_value_of_the_wrong_type_is_refused_with_what_is_wanted() {
        assertThatThrownBy(() -> node(NODE + "journal-size = plenty\n"))
                .hasMessageContaining("test.conf:5:")
                .hasMessageContaining("wants a size")
                .hasMessageContaining("plenty");
        assertThatThrownBy(() -> node(NODE + "listen = 7491\n"))
                .hasMessageContaining("wants an address HOST:PORT");
        assertThatThrownBy(() -> node(NODE + "insecure = perhaps\n"))
                .hasMessageContaining("wants true or false");
        assertThatThrownBy(() -> node(NODE + "disks = 3\n"))
                .hasMessageContaining("wants a list of objects");
        assertThatThrownBy(() -> node(NODE + "admin = 3\n"))
                .hasMessageContaining("wants an object");
        assertThatThrownBy(() -> node(NODE + "meta.grace-period = soon\n"))
                .hasMessageContaining("wants a duration");
        assertThatThrownBy(() -> node(NODE.replace("node-1", "\"a b\"")))
                .hasMessageContaining("wants a name");
    }

    @Test
    void what_is_missing_or_out_of_range_is_named() {
        assertThatThrownBy(() -> node("name = a\n")).hasMessageContaining("is missing");
        assertThatThrownBy(() -> node(NODE + "journal-size = 1M\n"))
                .hasMessageContaining("between 64M and 64G");
        assertThatThrownBy(() -> node("name = {\n")).hasMessageContaining("test.conf");
        assertThatThrownBy(() -> NodeConfig.read(folder.resolve("none.conf"), List.of()))
                .hasMessageContaining("there is no config file");
    }

    @Test
    void others_may_reach_it_only_where_the_config_says_insecure() throws IOException {
        assertThatThrownBy(() -> node(NODE + "listen = \"0.0.0.0:7491\"\n"))
                .hasMessageContaining("insecure = true");
        assertThatThrownBy(() -> node(NODE + "admin.listen = \"10.1.2.3:7490\"\n"))
                .hasMessageContaining("`admin.listen`");
        assertThat(node(NODE + "listen = \"0.0.0.0:7491\"\ninsecure = true\n").listen().host())
                .isEqualTo("0.0.0.0");
    }

    private GatewayConfig gateway(String more) throws IOException {
        return GatewayConfig.read(
                file("name = g\ngroup = [\"127.0.0.1:7493\"]\n" + more), List.of());
    }

    @Test
    void nbd_beyond_loopback_wants_tls_and_certificates_of_clients() throws IOException {
        String keys = "nbd.tls-certificate = c.pem\nnbd.tls-key = k.pem\n";
        String open = "nbd.listen = \"0.0.0.0:10809\"\n";
        assertThat(gateway("").tls().mode()).isEqualTo(NbdTlsConfig.Mode.OFF);
        assertThatThrownBy(() -> gateway("nbd.tls = perhaps\n"))
                .hasMessageContaining("test.conf:3:")
                .hasMessageContaining("off, optional or required");
        assertThatThrownBy(() -> gateway("nbd.tls = required\nnbd.tls-key = k\n"))
                .hasMessageContaining("`nbd.tls-certificate`");
        assertThatThrownBy(() -> gateway(keys + open + "nbd.tls = required\n"))
                .hasMessageContaining("certificates of clients");
        assertThatThrownBy(
                        () -> gateway(keys + open + "nbd.tls = optional\nnbd.tls-client-ca = a\n"))
                .hasMessageContaining("insecure = true");
        GatewayConfig gateway =
                gateway(keys + open + "nbd.tls = required\nnbd.tls-client-ca = a.pem\n");
        assertThat(gateway.tls().clientCa()).isEqualTo(folder.toAbsolutePath().resolve("a.pem"));
        assertThat(gateway(gateway.tls().lines()).tls()).isEqualTo(gateway.tls());
    }

    @Test
    void a_group_has_one_three_or_five_members() throws IOException {
        String member = "{ name = %s, raft = \"127.0.0.1:1\", control = \"127.0.0.1:2\" }";
        String one = "meta.members = [" + member.formatted("node-1") + "]\n";
        GroupConfig group = node(NODE + one).meta();
        assertThat(group).isNotNull();
        String two =
                "meta.members = [%s, %s]\n"
                        .formatted(member.formatted("node-1"), member.formatted("node-2"));
        assertThatThrownBy(() -> node(NODE + two)).hasMessageContaining("one, three or five");
    }

    @Test
    void a_member_makes_a_group_or_joins_one() throws IOException {
        String join =
                "meta.join { name = w-2, raft = \"127.0.0.1:1\", control = \"127.0.0.1:2\" }\n";
        GroupConfig group = node(NODE + join).meta();
        assertThat(group).isNotNull();
        assertThat(group.joins()).isTrue();
        assertThat(group.self().name()).isEqualTo("w-2");
        assertThat(group.members()).containsExactly(group.self());
        assertThat(node(NODE + join.replace("name = w-2, ", "")).meta().self().name())
                .isEqualTo("node-1");
        assertThatThrownBy(() -> node(NODE + "meta.join.raft = \"127.0.0.1:1\"\n"))
                .hasMessageContaining("`meta.join.control` is missing");
        assertThatThrownBy(() -> node(NODE + join.replace("127.0.0.1:1", "10.0.0.1:1")))
                .hasMessageContaining("insecure = true");
        String member = "{ name = w, raft = \"127.0.0.1:1\", control = \"127.0.0.1:2\" }";
        String makes = "meta.members = [" + member + "]\n";
        assertThatThrownBy(() -> node(NODE + makes + join)).hasMessageContaining("or joins one");
        String alone = "name = w\n";
        assertThatThrownBy(() -> MetaConfig.read(file(alone + join), List.of()))
                .hasMessageContaining("`group` names nobody");
        MetaConfig meta =
                MetaConfig.read(file(alone + "group = [\"127.0.0.1:9\"]\n" + join), List.of());
        assertThat(meta.contacts()).containsExactly(new HostPort("127.0.0.1", 9));
        assertThat(MetaConfig.read(file(alone + makes), List.of()).contacts())
                .containsExactly(new HostPort("127.0.0.1", 2));
    }

    @Test
    void the_command_line_overrides() throws IOException {
        NodeConfig node = node(NODE, "listen=127.0.0.1:9", "journal-size=64M");
        assertThat(node.listen().port()).isEqualTo(9);
        assertThat(node.journal().bytes()).isEqualTo(64L << 20);
        assertThatThrownBy(() -> node(NODE, "lissten=127.0.0.1:9"))
                .hasMessageContaining("command line")
                .hasMessageContaining("`listen`");
    }

    @Test
    void what_was_written_last_is_kept_as_asked() throws IOException {
        NodeConfig node = node(NODE, "journal-memory=32M", "large-writes=16K");
        assertThat(node.journal().memory(2, 1L << 30).ofEach(2)).isEqualTo(32L << 20);
        assertThat(node.journal().store().largeBytesMin()).isEqualTo(16 << 10);
        assertThat(node.journal().overrides())
                .containsExactly("journal-memory=33554432", "large-writes=16384");
        assertThatThrownBy(() -> node.journal().memory(30, 1L << 30))
                .hasMessageContaining("`journal-memory`", "30 disks", "768 MiB");
        assertThatThrownBy(() -> node(NODE, "journal-memory=1M"))
                .hasMessageContaining("`journal-memory`");
        assertThatThrownBy(() -> node(NODE, "large-writes=16M"))
                .hasMessageContaining("`large-writes`");
    }

    @Test
    void a_process_has_one_loop_up_to_four_cores() throws IOException {
        IoConfig auto = node(NODE, "io.sockets=nio").io();
        assertThat(auto.loopCount(1)).isEqualTo(1);
        assertThat(auto.loopCount(4)).isEqualTo(1);
        assertThat(auto.loopCount(5)).isEqualTo(5);
        assertThat(auto.loopCount(64)).isEqualTo(16);
        assertThat(auto.withOneLoop().loopCount()).isEqualTo(1);
        assertThat(auto.overrides(true)).containsExactly("io.sockets=nio");
        IoConfig three = gateway("io.sockets = nio\nloops = 3\n").io();
        assertThat(three.loopCount()).isEqualTo(3);
        assertThat(three.overrides(false)).containsExactly("io.sockets=nio", "loops=3");
        assertThatThrownBy(() -> node(NODE, "loops=65")).hasMessageContaining("`loops`");
        assertThatThrownBy(() -> node(NODE, "loops=0")).hasMessageContaining("`loops`");
    }

    @Test
    void one_process_for_everything_has_one_loop() {
        assertThat(UpConfig.read(null, List.of("nodes=2", "loops=2")).io().loops()).isEqualTo(2);
        assertThatThrownBy(() -> UpConfig.read(null, List.of("loops=2")))
                .hasMessageContaining("`loops`")
                .hasMessageContaining("`nodes`");
    }

    @Test
    void sockets_that_stay_on_their_loop_allow_one() throws IOException {
        Assumptions.assumeThat(Transport.IO_URING.isAvailable()).isTrue();
        assertThat(node(NODE, "io.sockets=io_uring").io().loopCount(64)).isEqualTo(1);
        assertThatThrownBy(() -> node(NODE, "io.sockets=io_uring", "loops=2"))
                .hasMessageContaining("`loops`")
                .hasMessageContaining("io_uring");
    }

    @Test
    void where_nothing_is_asked_as_much_is_kept_as_fits() throws IOException {
        JournalConfig journal = node(NODE).journal();
        assertThat(journal.overrides()).isEmpty();
        assertThat(journal.memory(1, 64L << 30).ofEach(1)).isEqualTo(1L << 30);
        assertThat(journal.memory(12, 24L << 30).ofEach(12)).isEqualTo(512L << 20);
        assertThat(journal.memory(100, 1L << 30).ofEach(100)).isEqualTo(16L << 20);
    }

    @Test
    void the_reference_is_what_the_code_reads() throws IOException {
        Path docs = Path.of("..", "docs", "config.md");
        if (System.getenv("COMET_WRITE_DOCS") != null) {
            Files.createDirectories(docs.getParent());
            Files.writeString(docs, Reference.markdown());
        }
        assertThat(Files.readString(docs)).isEqualTo(Reference.markdown());
    }

    @Test
    void placement_groups_of_a_new_cluster_are_a_power_of_two() {
        assertThat(UpConfig.read(null, List.of()).placementGroups()).isEqualTo(8192);
        assertThat(UpConfig.read(null, List.of("placement-groups=64")).placementGroups())
                .isEqualTo(64);
        for (String bad : List.of("0", "1000", "2097152")) {
            assertThatThrownBy(() -> UpConfig.read(null, List.of("placement-groups=" + bad)))
                    .hasMessageContaining("`placement-groups`");
        }
    }
}
