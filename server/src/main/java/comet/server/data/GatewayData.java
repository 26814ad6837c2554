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
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The data path of a gateway, spread over one or more loops: on each a core with volumes of its
/// own and with connections of its own to the disks. Front ends come on top of it. Not for the
/// loops.
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

    private final List<Place> places;
    private final long gatewayId;
    private final List<Gateway> gateways;

    /// A loop, and the ways from there to the group and to the disks.
    public record Place(EventLoop loop, MetaClient meta, Connection.Dialer dialer) {}

    private GatewayData(List<Place> places, long gatewayId, List<Gateway> gateways) {
        this.places = places;
        this.gatewayId = gatewayId;
        this.gateways = gateways;
    }

    /// Registers the gateway with the group, waiting for that as long as it takes, and starts it.
    ///
    /// @param places where it is to live
    /// @param name of the gateway, from its config
    /// @param folder the uuid of its data folder
    /// @param startCount how often that folder was opened, this time included
    /// @param hostId equal for processes of one host
    /// @param config bounds of the whole; each place has its share
    public static GatewayData start(
            List<Place> places,
            String name,
            UUID folder,
            long startCount,
            String hostId,
            GatewayConfig config,
            Events events)
            throws DataException, InterruptedException {
        Command register =
                new Command.RegisterGateway(
                        name,
                        hostId,
                        folder.getMostSignificantBits(),
                        folder.getLeastSignificantBits(),
                        startCount);
        Place first = places.getFirst();
        long gatewayId = new Group(first.loop, first.meta).register(register);
        int count = places.size();
        GatewayConfig share = config.share(count);
        List<Gateway> gateways = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            int here = i;
            Place place = places.get(i);
            gateways.add(
                    place.loop.call(() -> {
                        EventLoop loop = place.loop;
                        Gateway made =
                                new Gateway(
                                        share,
                                        gatewayId,
                                        volumeId -> place(volumeId, count) == here,
                                        loop,
                                        place.meta,
                                        place.dialer,
                                        loop.frames(),
                                        loop.bufs(),
                                        events);
                        made.start();
                        return made;
                    }));
        }
        return new GatewayData(List.copyOf(places), gatewayId, List.copyOf(gateways));
    }

    public long gatewayId() {
        return gatewayId;
    }

    /// The place of a volume, for ever the same; counted from 0.
    public int place(long volumeId) {
        return place(volumeId, places.size());
    }

    private static int place(long volumeId, int count) {
        return (int) Long.remainderUnsigned(volumeId, count);
    }

    public EventLoop loop(int place) {
        return places.get(place).loop;
    }

    /// The core there; of that loop.
    public Gateway gateway(int place) {
        return gateways.get(place);
    }

    /// All volumes that the gateway has served since it started, by their ids.
    public CompletableFuture<List<VolumeStatus>> status() {
        CompletableFuture<List<VolumeStatus>> all = CompletableFuture.completedFuture(List.of());
        for (int i = 0; i < places.size(); i++) {
            Gateway gateway = gateways.get(i);
            CompletableFuture<List<VolumeStatus>> here = new CompletableFuture<>();
            loop(i).submit(() -> here.complete(gateway.status()));
            all = all.thenCombine(here, GatewayData::merged);
        }
        return all;
    }

    private static List<VolumeStatus> merged(List<VolumeStatus> some, List<VolumeStatus> more) {
        return Stream.concat(some.stream(), more.stream())
                .sorted(Comparator.comparingLong(VolumeStatus::volumeId))
                .toList();
    }

    /// Flushes and detaches all volumes, as far as the disks can be reached, and says what it waits
    /// for. Front ends are stopped before.
    @Override
    public void close() {
        CompletableFuture<?> stopped = stop();
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

    private CompletableFuture<?> stop() {
        CompletableFuture<?>[] stopped = new CompletableFuture<?>[places.size()];
        for (int i = 0; i < stopped.length; i++) {
            Gateway gateway = gateways.get(i);
            CompletableFuture<Boolean> here = new CompletableFuture<>();
            loop(i).submit(() -> gateway.stop(() -> here.complete(true)));
            stopped[i] = here;
        }
        return CompletableFuture.allOf(stopped);
    }

    private static boolean stoppedWithin(CompletableFuture<?> stopped, Duration limit)
            throws InterruptedException, ExecutionException {
        try {
            stopped.get(limit.toMillis(), TimeUnit.MILLISECONDS);
            return true;
        } catch (TimeoutException e) {
            return false;
        }
    }

    private List<VolumeStatus> left() {
        return status().join().stream()
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
