package comet.server.up;

import comet.io.loop.EventLoop;
import comet.io.net.Address;
import comet.port.Connection;
import comet.server.admin.LoopGroup;
import comet.server.config.GroupConfig;
import comet.server.config.NodeConfig;
import comet.server.data.DataException;
import comet.server.data.JournalMemory;
import comet.server.data.NodeData;
import comet.server.raft.MetaMember;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// `comet node`: disks, and where the config says so a member of the metadata group.
final class NodeProcess {
    private NodeProcess() {}

    static void start(NodeConfig config, Life life) {
        ProcessCore process =
                new ProcessCore("node", config.name(), config.data(), false, config.io(), life);
        process.pidFile(config.pidFile());
        process.group(config.group());
        GroupConfig meta = config.meta();
        Connection.@Nullable Acceptor control = null;
        if (meta != null) {
            Path log = config.data().resolve("meta");
            control = process.startMember(MemberStart.settings(process, meta, log));
        }
        LoopClients clients = new LoopClients(process);
        process.closers.add("group clients", clients::close);
        JournalMemory memory =
                config.journal()
                        .memory(
                                AddedDisks.in(config.data()).with(config.disks()).size(),
                                EventLoop.directBytesMax());
        NodeData node =
                new NodeData(
                        process.loops,
                        NodeData.Settings.of(
                                        config.name(),
                                        config.data(),
                                        config.domain(),
                                        process.hostId)
                                .withFiles(config.io().files())
                                .withScrub(config.scrubBytesPerSecond())
                                .withStore(config.journal().store(), memory),
                        clients,
                        process.events);
        process.closers.add("node", node::close);
        if (control != null) {
            node.control(control);
        }
        List<String> addresses = listen(node, config);
        LocalNode part = new LocalNode(process, node, clients, config.domain());
        LoopGroup group = process.groupAccess();
        process.admin(config.admin(), group, part, null, process.events::last);
        process.metrics.add(part);
        MetaMember member = process.member();
        if (member != null && meta != null) {
            Purger.start(process, member, group, meta.gracePeriod());
        }
        process.awaitCluster(group);
        try {
            node.join(addresses, part.all(config.disks()));
        } catch (DataException e) {
            throw new StartException(String.valueOf(e.getMessage()), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StartException("interrupted", e);
        }
        part.report();
        process.closers.add("goodbye", part::sayGoodbye);
        ProcessCore.ready(config.name() + " " + config.listen());
    }

    /// @return what others are told to call, the socket first
    private static List<String> listen(NodeData node, NodeConfig config) {
        try {
            Address unix = new Address.Unix(config.socket());
            Address tcp = new Address.Tcp(config.listen().host(), config.listen().port());
            List<String> addresses = new ArrayList<>();
            addresses.add(node.listen(unix).toString());
            node.listen(tcp);
            addresses.add(config.advertise().toString());
            return addresses;
        } catch (DataException | IllegalArgumentException e) {
            throw new StartException(String.valueOf(e.getMessage()), e);
        }
    }
}
