package comet.server.raft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import comet.cluster.ClusterInfo;
import comet.cluster.ClusterMap;
import comet.cluster.Command;
import comet.cluster.MapUpdate;
import comet.cluster.Reply;
import comet.cluster.VolumeInfo.Durability;
import comet.meta.Decision;
import comet.meta.Facts;
import comet.meta.Submission;
import comet.server.json.Json;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class RatisLogTest {
    @TempDir Path folder;

    private final Json json = new Json();
    private final TreeMap<String, RatisLog> logs = new TreeMap<>();
    private final TreeMap<String, ClusterMap> maps = new TreeMap<>();
    private long sequence;

    @AfterEach
    void stop() throws Exception {
        List<Thread> closing = new ArrayList<>();
        for (RatisLog log : logs.values()) {
            closing.add(Thread.ofVirtual().start(() -> close(log)));
        }
        for (Thread one : closing) {
            one.join();
        }
    }

    private static void close(RatisLog log) {
        try {
            log.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Follows a log's updates in a map.
    private static final class Follower implements MetadataLog.Listener {
        private final ClusterMap map;

        Follower(ClusterMap map) {
            this.map = map;
        }

        @Override
        public void onUpdate(MapUpdate update) {
            synchronized (map) {
                assertThat(map.apply(update)).isTrue();
            }
        }

        @Override
        public void onLead(long term) {}

        @Override
        public void onFollow() {}

        @Override
        public void onStopped(boolean removed) {}
    }

    private RatisLog start(RaftSettings settings) throws Exception {
        ClusterMap map = new ClusterMap();
        RatisLog log = RatisLog.start(settings, new Follower(map), json);
        logs.put(settings.self(), log);
        maps.put(settings.self(), map);
        return log;
    }

    private void kill(String name) throws Exception {
        RatisLog log = found(logs.remove(name));
        maps.remove(name);
        log.close();
    }

    private static <T> T found(@Nullable T value) {
        if (value == null) {
            throw new AssertionError("not found");
        }
        return value;
    }

    private List<RaftSettings> three(long snapshotEvery) throws Exception {
        List<RaftSettings.Member> members = new ArrayList<>();
        try (ServerSocket a = new ServerSocket(0);
                ServerSocket b = new ServerSocket(0);
                ServerSocket c = new ServerSocket(0)) {
            for (ServerSocket socket : List.of(a, b, c)) {
                members.add(
                        new RaftSettings.Member(
                                "m" + (members.size() + 1),
                                "127.0.0.1",
                                socket.getLocalPort(),
                                List.of()));
            }
        }
        List<RaftSettings> all = new ArrayList<>();
        for (RaftSettings.Member member : members) {
            all.add(
                    new RaftSettings(
                            member.name(), members, folder.resolve(member.name()), snapshotEvery));
        }
        return all;
    }

    private RatisLog leader() throws Exception {
        while (true) {
            for (RatisLog log : logs.values()) {
                if (log.leadership().self()) {
                    return log;
                }
            }
            Thread.sleep(5);
        }
    }

    /// Submits until a leader has decided.
    private Reply submit(Command command) throws Exception {
        Submission submission = new Submission(5, ++sequence, command);
        while (true) {
            try {
                List<Decision> decisions =
                        leader().append(List.of(submission), Facts.NONE).get(20, TimeUnit.SECONDS);
                return decisions.getFirst().reply();
            } catch (ExecutionException e) {
                assertThat(e).hasCauseInstanceOf(NotLeaderException.class);
                Thread.sleep(10);
            }
        }
    }

    private void createCluster() throws Exception {
        assertThat(submit(new Command.CreateCluster(new ClusterInfo(1, 2, 64, 2))))
                .isInstanceOf(Reply.Done.class);
    }

    private long createVolume(String name) throws Exception {
        Reply reply = submit(new Command.CreateVolume(name, 1 << 20, Durability.FLUSH, 1));
        assertThat(reply).isInstanceOf(Reply.Id.class);
        return ((Reply.Id) reply).id();
    }

    private void awaitVolumes(String member, int count) throws Exception {
        while (found(logs.get(member)).localChangesAfter(0).volumes().size() < count) {
            Thread.sleep(5);
        }
    }

    @Test
    void a_group_of_one_elects_itself_at_once_and_remembers() throws Exception {
        RaftSettings settings = RaftSettings.alone("m1", folder.resolve("m1"));
        start(settings);
        createCluster();
        for (int i = 0; i < 50; i++) {
            createVolume("v" + i);
        }
        kill("m1");
        RatisLog log = start(settings);
        MapUpdate all = null;
        while (all == null) {
            try {
                all = log.changesAfter(0).get(10, TimeUnit.SECONDS);
            } catch (ExecutionException e) {
                Thread.sleep(2);
            }
        }
        assertThat(all.volumes()).hasSize(50);
        assertThat(createVolume("more")).isEqualTo(51);
        synchronized (found(maps.get("m1"))) {
            assertThat(found(maps.get("m1")).volumes()).hasSize(51);
        }
    }

    @Test
    void a_group_of_one_goes_on_from_its_snapshot() throws Exception {
        RaftSettings settings =
                new RaftSettings(
                        "m1", RaftSettings.alone("m1", folder).members(), folder.resolve("m1"), 10);
        start(settings);
        createCluster();
        for (int i = 0; i < 100; i++) {
            createVolume("v" + i);
        }
        kill("m1");
        start(settings);
        assertThat(createVolume("more")).isEqualTo(101);
        assertThat(submit(new Command.CreateVolume("v7", 4096, Durability.FLUSH, 1)))
                .isInstanceOf(Reply.Refused.class);
    }

    @Test
    void a_log_that_cannot_be_written_goes_on_by_itself_once_it_can() throws Exception {
        RatisLog log = start(RaftSettings.alone("m1", folder.resolve("m1")));
        createCluster();
        createVolume("before");
        limitFiles("1048576");
        try {
            while (appends(log)) {}
            assertThat(appends(log)).isFalse();
            assertThat(log.leadership().self()).isFalse();
        } finally {
            limitFiles("unlimited");
        }
        createVolume("after");
        ClusterMap followed = found(maps.get("m1"));
        synchronized (followed) {
            assertThat(followed.volume("before")).isNotNull();
            assertThat(followed.volume("after")).isNotNull();
        }
    }

    /// Up to where files of this process can be written, in bytes.
    private static void limitFiles(String bytes) throws Exception {
        String self = String.valueOf(ProcessHandle.current().pid());
        Process prlimit =
                new ProcessBuilder("prlimit", "--pid", self, "--fsize=" + bytes + ":")
                        .inheritIO()
                        .start();
        assertThat(prlimit.waitFor()).isZero();
    }

    /// Has the log decide what it refuses.
    private boolean appends(RatisLog log) throws Exception {
        Command command = new Command.CreateVolume("x".repeat(200), 1, Durability.FLUSH, 1);
        List<Submission> batch = new ArrayList<>();
        for (int n = 0; n < 256; n++) {
            batch.add(new Submission(5, ++sequence, command));
        }
        try {
            log.append(batch, Facts.NONE).get(20, TimeUnit.SECONDS);
            return true;
        } catch (ExecutionException e) {
            assertThat(e).hasCauseInstanceOf(NotLeaderException.class);
            return false;
        }
    }

    @Test
    void a_port_in_use_is_said_so_and_ends_nothing() throws Exception {
        List<RaftSettings> all = three(RaftSettings.SNAPSHOT_EVERY);
        RaftSettings.Member member = all.getFirst().member();
        try (ServerSocket taken =
                new ServerSocket(member.port(), 1, InetAddress.getByName(member.host()))) {
            assertThat(taken.isBound()).isTrue();
            assertThatThrownBy(() -> start(all.getFirst()))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("127.0.0.1:" + member.port())
                    .hasMessageContaining("in use");
        }
        start(all.getFirst());
    }

    @Test
    void a_folder_in_use_is_refused() throws Exception {
        RaftSettings settings = RaftSettings.alone("m1", folder.resolve("m1"));
        start(settings);
        createCluster();
        assertThatThrownBy(() -> RatisLog.start(settings, new Follower(new ClusterMap()), json))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("already locked");
        assertThat(createVolume("a")).isEqualTo(1);
    }

    @Test
    void three_members_survive_the_loss_of_their_leader() throws Exception {
        List<RaftSettings> all = three(RaftSettings.SNAPSHOT_EVERY);
        for (RaftSettings settings : all) {
            start(settings);
        }
        createCluster();
        createVolume("a");
        String first = found(leader().leadership().leader());
        kill(first);
        assertThat(createVolume("b")).isEqualTo(2);
        for (RaftSettings settings : all) {
            if (settings.self().equals(first)) {
                start(settings);
            }
        }
        createVolume("c");
        awaitVolumes(first, 3);
        for (RatisLog log : logs.values()) {
            awaitVolumes(found(log.leadership().leader()), 3);
        }
    }

    @Test
    void a_member_that_was_down_while_the_log_was_purged_gets_a_snapshot() throws Exception {
        List<RaftSettings> all = three(20);
        for (RaftSettings settings : all) {
            start(settings);
        }
        createCluster();
        String leader = leader().leadership().leader();
        RaftSettings away =
                all.stream().filter(one -> !one.self().equals(leader)).findFirst().orElseThrow();
        createVolume("before");
        kill(away.self());
        for (int i = 0; i < 300; i++) {
            createVolume("v" + i);
        }
        start(away);
        awaitVolumes(away.self(), 301);
        createVolume("after");
        awaitVolumes(away.self(), 302);
        ClusterMap followed = found(maps.get(away.self()));
        synchronized (followed) {
            assertThat(followed.volume("v299")).isNotNull();
        }
    }
}
