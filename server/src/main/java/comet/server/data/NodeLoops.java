package comet.server.data;

import comet.io.loop.EventLoop;
import comet.io.net.Router;
import comet.replica.NodeServer;
import comet.wire.Frame;
import comet.wire.Hello;
import comet.wire.Lane;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// The loops of a node, each with a core of its own once it has disks, and which disk lives where.
/// For any thread; what is called on a core is for its loop.
final class NodeLoops implements Router {
    /// @param server of the loop
    record Part(EventLoop loop, NodeServer server) {
        void run(Runnable work) {
            loop.<Boolean>call(() -> {
                work.run();
                return true;
            });
        }
    }

    private final List<EventLoop> loops;
    private final Function<EventLoop, NodeServer> servers;
    private final Part first;

    /// Of the loops that have, or had, something to serve.
    private final Map<EventLoop, Part> parts = new ConcurrentHashMap<>();

    /// Where each disk lives, by its id; it never moves.
    private final Map<Integer, Part> homes = new ConcurrentHashMap<>();

    /// @param servers makes the core of a loop; not called on one
    NodeLoops(List<EventLoop> loops, Function<EventLoop, NodeServer> servers) {
        this.loops = List.copyOf(loops);
        this.servers = servers;
        first = part(loops.getFirst());
    }

    private Part part(EventLoop of) {
        return parts.computeIfAbsent(of, loop -> new Part(loop, servers.apply(loop)));
    }

    List<EventLoop> all() {
        return loops;
    }

    Collection<Part> parts() {
        return parts.values();
    }

    /// The one that answers whatever is meant for no disk here.
    Part first() {
        return first;
    }

    /// The one with the fewest disks.
    Part emptiest(List<NodeDisk> disks) {
        EventLoop least = loops.getFirst();
        for (EventLoop loop : loops) {
            if (on(loop, disks).size() < on(least, disks).size()) {
                least = loop;
            }
        }
        return part(least);
    }

    /// Those of the disks that live on a loop.
    static List<NodeDisk> on(EventLoop loop, List<NodeDisk> disks) {
        return disks.stream().filter(disk -> disk.loop() == loop).toList();
    }

    /// From now on connections that name the disk go there.
    void settle(int diskId, Part home) {
        homes.put(diskId, home);
    }

    @Nullable Part home(int diskId) {
        return homes.get(diskId);
    }

    @Override
    public Place place(@Nullable Frame frame) {
        Hello hello = frame == null ? null : Hello.decode(frame);
        Part home = hello == null || hello.lane() == Lane.CONTROL ? null : home(hello.diskId());
        Part to = home == null ? first : home;
        return new Place(to.loop(), to.server());
    }
}
