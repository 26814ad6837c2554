package comet.server.up;

import comet.io.loop.EventLoop;
import comet.port.Connection;
import comet.port.MetaClient;
import comet.server.control.ControlClient;
import comet.server.data.NodeData;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/// The clients of the metadata group that the disks of a process use: one for each loop that has
/// some, made when the first one comes.
final class LoopClients implements NodeData.Access, AutoCloseable {
    private final ProcessCore process;
    private final Map<EventLoop, ControlClient> clients = new ConcurrentHashMap<>();

    LoopClients(ProcessCore process) {
        this.process = process;
    }

    @Override
    public MetaClient meta(EventLoop loop) {
        return clients.computeIfAbsent(loop, process::connect);
    }

    @Override
    public Connection.Dialer dialer(EventLoop loop) {
        return process.dialer(loop);
    }

    /// The one of this loop, or null where it has no disks; from any thread.
    @Nullable ControlClient of(EventLoop loop) {
        return clients.get(loop);
    }

    @Override
    public void close() {
        clients.forEach(ProcessCore::disconnect);
    }
}
