package comet.server.control;

import static org.assertj.core.api.Assertions.assertThat;

import comet.cluster.ClusterInfo;
import comet.cluster.Command;
import comet.cluster.GroupMember;
import comet.cluster.Reply;
import comet.cluster.VolumeInfo.Durability;
import comet.io.loop.EventLoop;
import comet.io.net.Address;
import comet.io.net.SocketDialer;
import comet.io.net.SocketListener;
import comet.server.raft.MetaMember;
import comet.server.raft.RaftSettings;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// The only member that the config names is replaced: a client goes on, and a later one that knows
/// the config and the process's folder finds the new one.
@Timeout(60)
class NewMembersTest {
    private static final Duration SOON = Duration.ofSeconds(30);

    @TempDir Path folder;

    private final EventLoop loop = EventLoop.start("members-test");
    private final List<AutoCloseable> open = new ArrayList<>();

    @AfterEach
    void stop() throws Exception {
        for (AutoCloseable one : open.reversed()) {
            one.close();
        }
        loop.close();
    }

    private static RaftSettings.Member member(String name) throws Exception {
        try (ServerSocket raft = new ServerSocket(0);
                ServerSocket control = new ServerSocket(0)) {
            return new RaftSettings.Member(
                    name,
                    "127.0.0.1",
                    raft.getLocalPort(),
                    List.of("127.0.0.1:" + control.getLocalPort()));
        }
    }

    private MetaMember start(RaftSettings settings) throws Exception {
        MetaMember member = MetaMember.start(settings);
        open.add(member);
        ControlService service = new ControlService(member);
        open.add(service);
        open.add(
                SocketListener.listen(
                        loop,
                        Address.parse(settings.member().control().getFirst()),
                        service.acceptor(loop::submit, loop.frames(), loop.bufs())));
        return member;
    }

    /// Of a process whose config names that member.
    private BlockingMeta client(RaftSettings.Member configured) {
        MemberBook book = MemberBook.in(folder, configured.control());
        ControlClient.Network network =
                new ControlClient.Network(
                        new SocketDialer(loop), loop.frames(), loop.bufs(), book, 0, 0);
        ControlClient client =
                loop.call(() -> ControlClient.remote(new Origin(), network, loop, loop::submit));
        open.add(() ->
                loop.<Boolean>call(() -> {
                    client.close();
                    return true;
                }));
        return new BlockingMeta(client, loop::submit);
    }

    private static Command volume(String name) {
        return new Command.CreateVolume(name, 1 << 20, Durability.FLUSH, 1);
    }

    @Test
    void clients_learn_of_new_members_and_remember_them() throws Exception {
        RaftSettings.Member old = member("m");
        MetaMember first = start(new RaftSettings("m", List.of(old), folder.resolve("m"), 50));
        BlockingMeta client = client(old);
        client.submit(new Command.CreateCluster(new ClusterInfo(1, 2, 64, 2)), SOON);
        RaftSettings.Member next = member("n");
        UUID group = UUID.fromString(first.status().groupId());
        MetaMember second = start(RaftSettings.joining(next, folder.resolve("n"), group));
        GroupMember told = second.status().member();
        assertThat(told).isNotNull();
        assertThat(client.changeMembers(List.of(told), List.of("m"), SOON))
                .isInstanceOf(Reply.Done.class);
        while (!MemberBook.in(folder, List.of()).addresses().equals(next.control())) {
            Thread.sleep(5);
        }
        first.close();
        assertThat(client.submit(volume("a"), SOON)).isInstanceOf(Reply.Id.class);
        assertThat(client.members(SOON).former()).containsExactly("m");
        assertThat(client(old).submit(volume("b"), SOON)).isInstanceOf(Reply.Id.class);
    }
}
