package comet.server.up;

import comet.io.net.Address;
import comet.io.net.SocketListener;
import comet.port.Connection;
import comet.server.admin.LoopGroup;
import comet.server.config.HostPort;
import comet.server.config.MetaConfig;
import comet.server.raft.MetaMember;
import java.io.IOException;

/// `comet meta`: a member of the metadata group alone.
final class MetaProcess {
    private MetaProcess() {}

    static void start(MetaConfig config, Life life) {
        ProcessCore process =
                new ProcessCore(
                        "meta",
                        config.name(),
                        config.data(),
                        false,
                        config.io().withOneLoop(),
                        life);
        process.pidFile(config.pidFile());
        process.group(config.contacts());
        Connection.Acceptor acceptor =
                process.startMember(
                        MemberStart.settings(
                                process, config.group(), config.data().resolve("meta")));
        HostPort control = config.group().self().control();
        try {
            SocketListener listener =
                    SocketListener.listen(
                            process.loop,
                            new Address.Tcp(control.host(), control.port()),
                            acceptor);
            process.closers.add("listener", listener::close);
        } catch (IOException e) {
            throw new StartException(String.valueOf(e.getMessage()), e);
        }
        LoopGroup group = process.groupAccess();
        process.admin(config.admin(), group, null, null, process.events::last);
        MetaMember member = process.member();
        if (member != null) {
            Purger.start(process, member, group, config.group().gracePeriod());
        }
        ProcessCore.ready(config.name() + " " + control);
    }
}
