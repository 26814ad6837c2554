package comet.server.data;

import comet.cluster.Command;
import comet.io.loop.EventLoop;
import comet.port.Connection;
import comet.port.Events;
import comet.port.MetaClient;
import comet.volume.Gateway;
import comet.volume.GatewayConfig;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The data path of a gateway on one loop: its core, with connections to the disks. Front ends come
/// on top of it. Not for the loop.
public final class GatewayData implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(GatewayData.class);

    /// How long volumes may take to be flushed and detached at the end.
    private static final long STOP_S = 60;

    private final EventLoop loop;
    private final long gatewayId;
    private final Gateway gateway;

    private GatewayData(EventLoop loop, long gatewayId, Gateway gateway) {
        this.loop = loop;
        this.gatewayId = gatewayId;
        this.gateway = gateway;
    }

    /// Registers the gateway with the group, waiting for that as long as it takes, and starts it.
    ///
    /// @param name of the gateway, from its config
    /// @param folder the uuid of its data folder
    /// @param startCount how often that folder was opened, this time included
    /// @param hostId equal for processes of one host
    public static GatewayData start(
            EventLoop loop,
            String name,
            UUID folder,
            long startCount,
            String hostId,
            GatewayConfig config,
            MetaClient meta,
            Connection.Dialer dialer,
            Events events)
            throws DataException, InterruptedException {
        Command register =
                new Command.RegisterGateway(
                        name,
                        hostId,
                        folder.getMostSignificantBits(),
                        folder.getLeastSignificantBits(),
                        startCount);
        long gatewayId = new Group(loop, meta).register(register);
        Gateway gateway =
                loop.call(() -> {
                    Gateway made =
                            new Gateway(
                                    config,
                                    gatewayId,
                                    loop,
                                    meta,
                                    dialer,
                                    loop.frames(),
                                    loop.bufs(),
                                    events);
                    made.start();
                    return made;
                });
        return new GatewayData(loop, gatewayId, gateway);
    }

    public long gatewayId() {
        return gatewayId;
    }

    /// The core; of the loop.
    public Gateway gateway() {
        return gateway;
    }

    /// Flushes and detaches all volumes, as far as the disks can be reached. Front ends are stopped
    /// before.
    @Override
    public void close() {
        CompletableFuture<Boolean> stopped = new CompletableFuture<>();
        loop.submit(() -> gateway.stop(() -> stopped.complete(true)));
        try {
            stopped.get(STOP_S, TimeUnit.SECONDS);
        } catch (TimeoutException e) {
            LOG.warn("event=not-detached why=\"volumes could not be flushed in {} s\"", STOP_S);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException e) {
            throw new IllegalStateException(e);
        }
    }
}
