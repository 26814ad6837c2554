package comet.server.data;

import comet.cluster.Command;
import comet.cluster.MapUpdate;
import comet.cluster.Reply;
import comet.io.loop.EventLoop;
import comet.meta.Facts;
import comet.meta.Group;
import comet.meta.Heartbeats;
import comet.meta.Submission;
import comet.port.MetaClient;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// The metadata group's state machine in this process, without a log: whoever was registered lives
/// until it is said to be dead.
final class LocalGroup {
    private final comet.meta.Group group = new Group();
    private final Heartbeats alive = new Heartbeats(Long.MAX_VALUE / 2);
    private final List<Client> clients = new ArrayList<>();
    private long sequence;

    /// A client whose answers come on `loop`.
    synchronized MetaClient client(EventLoop loop) {
        Client client = new Client(loop);
        clients.add(client);
        return client;
    }

    synchronized Reply decide(Command command) {
        Facts known = alive.at(0);
        Facts facts = new Facts(false, known.gateways(), known.disks(), known.ended());
        Group.Applied applied = group.apply(List.of(new Submission(1, ++sequence, command)), facts);
        Reply reply = applied.decisions().getFirst().reply();
        alive.answered(command, reply, 0);
        if (command instanceof Command.RegisterGateway && reply instanceof Reply.Id id) {
            alive.gatewayBeat(id.id(), 0);
        }
        MapUpdate update = applied.update();
        if (update != null) {
            clients.forEach(client -> client.push(update));
        }
        return reply;
    }

    private synchronized MapUpdate changesAfter(long revision) {
        return group.changesAfter(revision);
    }

    private final class Client implements MetaClient {
        private final EventLoop loop;
        private @Nullable Listener listener;

        Client(EventLoop loop) {
            this.loop = loop;
        }

        void push(MapUpdate update) {
            loop.submit(() -> {
                Listener told = listener;
                if (told != null) {
                    told.onUpdate(update);
                }
            });
        }

        @Override
        public void submit(Command command, Consumer<Reply> done) {
            loop.submit(() -> done.accept(decide(command)));
        }

        @Override
        public void fetch(long revision, Consumer<MapUpdate> done) {
            loop.submit(() -> done.accept(changesAfter(revision)));
        }

        @Override
        public void listen(Listener listener) {
            this.listener = listener;
        }
    }
}
