package comet.server.data;

import comet.cluster.Command;
import comet.io.loop.EventLoop;
import comet.port.Connection;
import comet.port.Events;
import comet.port.MetaClient;
import comet.volume.Gateway;
import comet.volume.GatewayConfig;
import comet.volume.VolumeStatus;
import java.time.Duration;
import java.util.List;
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

    /// How long volumes may take to be flushed and detached at the end. Below the 90 s after which
    /// service managers kill.
    private static final Duration STOP_MAX = Duration.ofSeconds(30);

    /// The same where nothing would be lost: disks that are away keep a volume from being detached,
    /// but everything completed is durable.
    private static final Duration STOP_IDLE_MAX = Duration.ofSeconds(3);

    /// How often it is said what is waited for.
    private static final Duration SAY_EVERY = Duration.ofSeconds(5);

    private static final Duration LOOK_EVERY = Duration.ofMillis(250);

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

    /// Flushes and detaches all volumes, as far as the disks can be reached, and says what it waits
    /// for. Front ends are stopped before.
    @Override
    public void close() {
        CompletableFuture<Boolean> stopped = new CompletableFuture<>();
        loop.submit(() -> gateway.stop(() -> stopped.complete(true)));
        long startNs = System.nanoTime();
        long saidNs = startNs - SAY_EVERY.toNanos() + Duration.ofSeconds(1).toNanos();
        try {
            while (!stoppedWithin(stopped, LOOK_EVERY)) {
                List<VolumeStatus> left = left();
                long nowNs = System.nanoTime();
                boolean idle = left.stream().allMatch(GatewayData::nothingToLose);
                if (nowNs - startNs > (idle ? STOP_IDLE_MAX : STOP_MAX).toNanos()) {
                    LOG.warn("event=not-detached {}", words(left));
                    return;
                }
                if (nowNs - saidNs > SAY_EVERY.toNanos()) {
                    saidNs = nowNs;
                    LOG.info("event=flushing secondsMax={} {}", STOP_MAX.toSeconds(), words(left));
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException e) {
            throw new IllegalStateException(e);
        }
    }

    private static boolean stoppedWithin(CompletableFuture<Boolean> stopped, Duration limit)
            throws InterruptedException, ExecutionException {
        try {
            return stopped.get(limit.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            return false;
        }
    }

    private List<VolumeStatus> left() {
        return loop.call(gateway::status).stream()
                .filter(volume -> !volume.state().equals("detached"))
                .filter(volume -> !volume.state().equals("ended"))
                .toList();
    }

    /// Nothing is under way or waits to be begun, and every write, be it zeroes or a trim, is
    /// durable on all replicas.
    static boolean nothingToLose(VolumeStatus volume) {
        return volume.unsyncedWrites() == 0 && volume.inFlightBytes() == 0 && volume.queued() == 0;
    }

    private static String words(List<VolumeStatus> left) {
        long bytes = left.stream().mapToLong(VolumeStatus::unsyncedBytes).sum();
        long writes = left.stream().mapToLong(VolumeStatus::unsyncedWrites).sum();
        VolumeStatus first = left.isEmpty() ? null : left.getFirst();
        return "volumes=%d unsyncedWrites=%d unsyncedBytes=%d first=%s waitsFor=\"%s\""
                .formatted(
                        left.size(),
                        writes,
                        bytes,
                        first == null ? "" : first.name(),
                        first == null ? "" : first.waitingFor());
    }
}
