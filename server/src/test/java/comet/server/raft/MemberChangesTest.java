package comet.server.raft;

import static org.assertj.core.api.Assertions.assertThat;

import comet.cluster.ClusterInfo;
import comet.cluster.Command;
import comet.cluster.GroupMember;
import comet.cluster.Reply;
import comet.cluster.VolumeInfo.Durability;
import comet.meta.Group;
import comet.meta.GroupEvent;
import comet.meta.GroupImage;
import comet.meta.Submission;
import comet.server.json.Json;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Members come and go while commands go on being decided, each once.
@Timeout(60)
class MemberChangesTest {
    @TempDir Path folder;

    private final ConcurrentSkipListMap<String, MetaMember> living = new ConcurrentSkipListMap<>();
    private final TreeMap<String, RaftSettings> settings = new TreeMap<>();
    private final AtomicLong sequence = new AtomicLong();
    private final AtomicBoolean stopped = new AtomicBoolean();

    @AfterEach
    void stop() {
        stopped.set(true);
        List<Thread> closing = new ArrayList<>();
        living.values().forEach(one -> closing.add(Thread.ofVirtual().start(() -> close(one))));
        closing.forEach(MemberChangesTest::join);
    }

    private static void join(Thread thread) {
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void close(MetaMember member) {
        try {
            member.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static <T> T found(@Nullable T value) {
        assertThat(value).isNotNull();
        return value;
    }

    /// Members that make a group, or one that is to join it, on free ports.
    private List<RaftSettings.Member> members(String... names) throws IOException {
        List<RaftSettings.Member> members = new ArrayList<>();
        for (String name : names) {
            try (ServerSocket raft = new ServerSocket(0);
                    ServerSocket control = new ServerSocket(0)) {
                members.add(
                        new RaftSettings.Member(
                                name,
                                "127.0.0.1",
                                raft.getLocalPort(),
                                List.of("127.0.0.1:" + control.getLocalPort())));
            }
        }
        return members;
    }

    private void group(String... names) throws Exception {
        List<RaftSettings.Member> members = members(names);
        for (String name : names) {
            start(new RaftSettings(name, members, folder.resolve(name), 50));
        }
        assertThat(submit(new Command.CreateCluster(new ClusterInfo(1, 2, 64, 2))))
                .isInstanceOf(Reply.Done.class);
    }

    private MetaMember start(RaftSettings one) throws IOException {
        MetaMember member = MetaMember.start(one);
        settings.put(one.self(), one);
        living.put(one.self(), member);
        return member;
    }

    /// A process that waits to be taken in.
    private GroupMember joiner(String name) throws Exception {
        String group = found(living.firstEntry()).getValue().status().groupId();
        RaftSettings one =
                RaftSettings.joining(
                        members(name).getFirst(), folder.resolve(name), UUID.fromString(group));
        return found(start(one).status().member());
    }

    private void kill(String name) {
        close(found(living.remove(name)));
    }

    /// Asks leaders until one has an answer.
    private <T> T ask(Function<MetaMember, CompletableFuture<T>> question) throws Exception {
        while (!stopped.get()) {
            for (MetaMember member : living.values()) {
                if (!member.leads()) {
                    continue;
                }
                try {
                    return question.apply(member).get(40, TimeUnit.SECONDS);
                } catch (ExecutionException e) {
                    assertThat(e).hasCauseInstanceOf(NotLeaderException.class);
                }
            }
            Thread.sleep(10);
        }
        throw new InterruptedException("the test has ended");
    }

    private Reply submit(Command command) throws Exception {
        Submission submission = new Submission(5, sequence.incrementAndGet(), command);
        return ask(member -> member.submit(submission));
    }

    private Reply change(List<GroupMember> add, String... remove) throws Exception {
        return ask(member -> member.membership().change(add, List.of(remove)));
    }

    private static void assertDone(Reply reply) {
        assertThat(reply).isInstanceOf(Reply.Done.class);
    }

    private static void assertRefused(Reply reply, String code) {
        assertThat(reply).isInstanceOf(Reply.Refused.class);
        assertThat(((Reply.Refused) reply).code()).isEqualTo(code);
    }

    private List<String> names() throws Exception {
        return ask(member -> member.membership().list()).members().stream()
                .map(one -> one.member().name())
                .toList();
    }

    private String leader() throws Exception {
        return ask(member -> member.membership().list()).leader();
    }

    private static void until(BooleanSupplier condition) throws InterruptedException {
        while (!condition.getAsBoolean()) {
            Thread.sleep(5);
        }
    }

    private static int volumes(MetaMember member) {
        return member.localChangesAfter(0).volumes().size();
    }

    /// Creates volumes one after the other; each must get the next id. On a thread of its own: the
    /// log library uses the common pool.
    private final class Load {
        private final AtomicLong created = new AtomicLong();
        private final AtomicBoolean enough = new AtomicBoolean();
        private final CompletableFuture<Void> running =
                CompletableFuture.runAsync(this::run, Thread.ofPlatform().daemon()::start);

        private void run() {
            try {
                while (!enough.get()) {
                    Reply reply =
                            submit(
                                    new Command.CreateVolume(
                                            "v" + created.get(), 1 << 20, Durability.FLUSH, 1));
                    assertThat(((Reply.Id) reply).id()).isEqualTo(created.incrementAndGet());
                }
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        }

        void awaitMore() throws InterruptedException {
            long before = created.get();
            until(() -> created.get() > before + 5 || running.isDone());
        }

        /// All of them are known to each of these.
        void end(String... names) throws Exception {
            enough.set(true);
            running.get(30, TimeUnit.SECONDS);
            for (String name : names) {
                until(() -> volumes(found(living.get(name))) == created.get());
            }
        }
    }

    @Test
    void all_three_are_replaced_one_after_the_other_under_load() throws Exception {
        group("m1", "m2", "m3");
        Load load = new Load();
        for (int i = 1; i <= 3; i++) {
            load.awaitMore();
            GroupMember next = joiner("n" + i);
            assertDone(change(List.of(next), "m" + i));
            load.awaitMore();
            kill("m" + i);
        }
        load.awaitMore();
        load.end("n1", "n2", "n3");
        assertThat(names()).containsExactly("n1", "n2", "n3");
        MetaMembers now = ask(member -> member.membership().list());
        assertThat(now.former()).containsExactly("m1", "m2", "m3");
        assertThat(now.members()).allMatch(MemberSeen::alive);
        assertThat(now.members()).noneMatch(one -> one.member().folder().isEmpty());
        List<GroupEvent> events = ask(member -> member.events(0));
        assertThat(events.stream().filter(one -> one.code().equals("member-added"))).hasSize(3);
        GroupEvent last =
                events.stream()
                        .filter(one -> one.code().equals("member-removed"))
                        .reduce((_, newer) -> newer)
                        .orElseThrow();
        assertThat(last.subject()).isEqualTo("metadata member m3");
        assertThat(last.cause()).isEqualTo("n3 in place of m3");
    }

    @Test
    void the_leader_is_removed_and_does_not_disturb() throws Exception {
        group("m1", "m2", "m3");
        Load load = new Load();
        String first = leader();
        assertDone(change(List.of(), first));
        assertThat(names()).hasSize(2).doesNotContain(first);
        load.awaitMore();
        // It finds out, and stops; the others keep their leader.
        long term = term();
        MetaMember removed = found(living.get(first));
        until(() -> removed.membership().isRemoved() || load.running.isDone());
        load.awaitMore();
        assertThat(term()).isEqualTo(term);
        kill(first);
        TreeSet<String> rest = new TreeSet<>(living.keySet());
        load.end(rest.toArray(String[]::new));
    }

    private long term() throws Exception {
        return ask(member -> CompletableFuture.completedFuture(member.status().term()));
    }

    @Test
    void a_dead_one_is_replaced_and_its_name_is_never_used_again() throws Exception {
        group("m1", "m2", "m3");
        Load load = new Load();
        load.awaitMore();
        String leader = leader();
        String dead = leader.equals("m1") ? "m2" : "m1";
        kill(dead);
        // One more would need three of four.
        GroupMember next = joiner("n1");
        assertRefused(change(List.of(next)), "member-dead");
        assertThat(names()).hasSize(3);
        assertDone(change(List.of(next), dead));
        assertThat(names()).hasSize(3).contains("n1").doesNotContain(dead);
        assertDone(change(List.of(next), dead));
        GroupMember again = new GroupMember(dead, next.raft() + "0", next.control(), "");
        assertRefused(change(List.of(again)), "name-used");
        load.awaitMore();
        // The old one comes back as it was, and has no voice.
        long term = term();
        MetaMember old = start(found(settings.get(dead)));
        until(() -> old.membership().isRemoved() || load.running.isDone());
        assertThat(term()).isEqualTo(term);
        kill(dead);
        load.end(living.keySet().toArray(String[]::new));
    }

    @Test
    void folders_are_kept_of_members_alone() throws Exception {
        group("m1", "m2");
        Membership leads = found(living.get(leader())).membership();
        for (int i = 0; i < 100; i++) {
            leads.reportFolder("stranger-" + i, "folder");
        }
        leads.reportFolder("m1", "folder of m1");
        assertThat(leads.folders()).containsOnlyKeys("m1");
    }

    @Test
    void what_would_leave_no_majority_is_refused() throws Exception {
        group("m1", "m2", "m3");
        String leader = leader();
        List<String> others = new ArrayList<>(names());
        others.remove(leader);
        kill(others.getFirst());
        assertRefused(change(List.of(), leader), "no-majority");
        assertRefused(change(List.of(), others.getLast()), "no-majority");
        assertRefused(change(List.of(), "m9"), "unknown-member");
        assertDone(change(List.of(), others.getFirst()));
        assertThat(names()).containsExactlyInAnyOrder(leader, others.getLast());
        submit(new Command.CreateVolume("v", 1 << 20, Durability.FLUSH, 1));
    }

    @Test
    void one_that_is_not_there_changes_nothing() throws Exception {
        group("m1", "m2", "m3");
        GroupMember nobody = members("n1").getFirst().told("");
        assertRefused(change(List.of(nobody)), "member-silent");
        Load load = new Load();
        try (ServerSocket mute = new ServerSocket(0)) {
            String address = "127.0.0.1:" + mute.getLocalPort();
            GroupMember silent = new GroupMember("n2", address, nobody.control(), "");
            assertRefused(change(List.of(silent)), "member-silent");
        }
        load.awaitMore();
        load.end("m1", "m2", "m3");
        assertThat(names()).containsExactly("m1", "m2", "m3");
        // And there may be another attempt.
        assertDone(change(List.of(joiner("n3"))));
        assertThat(names()).containsExactly("m1", "m2", "m3", "n3");
    }

    @Test
    void a_group_of_one_grows_and_moves_away() throws Exception {
        group("m1");
        Load load = new Load();
        load.awaitMore();
        assertRefused(change(List.of(), "m1"), "last-member");
        assertDone(change(List.of(joiner("n1")), "m1"));
        kill("m1");
        load.awaitMore();
        assertThat(names()).containsExactly("n1");
        assertDone(change(List.of(joiner("n2"))));
        assertDone(change(List.of(joiner("n3"))));
        load.awaitMore();
        kill(leader());
        load.awaitMore();
        load.end(living.keySet().toArray(String[]::new));
    }

    /// A new member has everything of the group that was purged from the log, and remembers who the
    /// others are.
    @Test
    void a_new_one_gets_the_snapshot_and_remembers_the_members() throws Exception {
        group("m1", "m2", "m3");
        for (int i = 0; i < 300; i++) {
            submit(new Command.CreateVolume("v" + i, 1 << 20, Durability.FLUSH, 1));
        }
        assertDone(change(List.of(joiner("n1")), "m1"));
        kill("m1");
        until(() -> volumes(found(living.get("n1"))) == 300);
        kill("n1");
        MetaMember again = start(found(settings.get("n1")));
        kill(leader());
        submit(new Command.CreateVolume("more", 1 << 20, Durability.FLUSH, 1));
        until(() -> volumes(again) == 301);
        assertThat(again.members().stream().map(GroupMember::name)).contains("n1", "m2", "m3");
    }

    @Test
    void a_snapshot_from_before_members_were_kept_is_read() throws Exception {
        Json json = new Json();
        GroupImage image = new Group().image();
        String older =
                json.text(image)
                        .replace(",\"members\":[]", "")
                        .replace(",\"formerMembers\":[]", "");
        assertThat(older).doesNotContain("embers");
        assertThat(json.read(older.getBytes(StandardCharsets.UTF_8), GroupImage.class))
                .isEqualTo(image);
    }

    /// Nobody takes it in: it neither votes nor leads, however long it waits.
    @Test
    void one_that_waits_to_be_taken_in_has_no_voice() throws Exception {
        group("m1");
        GroupMember waits = joiner("n1");
        kill("m1");
        MetaMember alone = found(living.get("n1"));
        for (int i = 0; i < 50; i++) {
            assertThat(alone.leads()).isFalse();
            Thread.sleep(50);
        }
        assertThat(alone.members()).isEmpty();
        assertThat(waits.name()).isEqualTo("n1");
    }
}
