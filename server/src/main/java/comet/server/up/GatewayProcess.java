package comet.server.up;

import comet.io.loop.EventLoop;
import comet.port.Events;
import comet.server.admin.LoopGroup;
import comet.server.config.GatewayConfig;

/// `comet gateway`: serves volumes to the virtual machines of its host.
final class GatewayProcess {
    private GatewayProcess() {}

    static void start(GatewayConfig config, Life life) {
        ProcessCore process =
                new ProcessCore("gateway", config.name(), config.data(), false, config.io(), life);
        process.pidFile(config.pidFile());
        process.group(config.group());
        LoopGroup group = process.groupAccess();
        LocalGateway part = new LocalGateway(config.name());
        process.admin(config.admin(), group, null, part, process.events::last);
        process.awaitCluster(group);
        comet.volume.GatewayConfig bounds = core(config);
        if (bounds.unsyncedBytesMax() < config.memoryBytes()) {
            process.events.event(
                    Events.Level.WARN,
                    "memory-bounded",
                    "bytes="
                            + bounds.unsyncedBytesMax()
                            + " hint=\"an eighth of what the process may take outside of its heap:"
                            + " COMET_JAVA_OPTS=-XX:MaxDirectMemorySize=…\"");
        }
        GatewayFront front =
                GatewayFront.start(
                        process,
                        part,
                        bounds,
                        config.exports(),
                        config.nbdSocket(),
                        config.nbdListen(),
                        config.tls());
        ProcessCore.ready(
                front.tcp() == null
                        ? "nbd+unix:///?socket=" + config.nbdSocket()
                        : GatewayFront.uri(front.tcp(), config.tls(), ""));
    }

    /// The core's bounds from the config's, and from what the process may take outside of its heap.
    static comet.volume.GatewayConfig core(GatewayConfig config) {
        long part = Math.max(1 << 20, EventLoop.directBytesMax() / 8);
        comet.volume.GatewayConfig standard = comet.volume.GatewayConfig.defaults();
        return new comet.volume.GatewayConfig(
                Math.min(standard.inFlightBytesMax(), part),
                Math.min(standard.volumeInFlightBytesMax(), part),
                Math.min(config.memoryBytes(), part),
                standard.blockMapsMax(),
                Math.max(1, config.idleDetach().toNanos()),
                standard.silenceNs());
    }
}
