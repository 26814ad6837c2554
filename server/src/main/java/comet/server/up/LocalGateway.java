package comet.server.up;

import comet.base.LatencyHistogram;
import comet.cluster.Command;
import comet.cluster.VolumeInfo;
import comet.server.admin.AdminException;
import comet.server.admin.GatewayPart;
import comet.server.admin.Metrics;
import comet.server.data.GatewayData;
import comet.server.nbd.NbdCounters;
import comet.volume.Gateway;
import comet.volume.VolumeStats;
import comet.volume.VolumeStatus;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// The gateway of this process, as the admin API and the metrics ask it: every question runs on the
/// loop that it concerns, or on all, with a deadline.
final class LocalGateway implements GatewayPart, Metrics.Source {
    private static final Duration ANSWER_MAX = Duration.ofSeconds(2);
    private static final Duration CHANGE_MAX = Duration.ofSeconds(60);

    /// A request that has waited for so long waits for somebody.
    private static final long WAITS_NS = 1_000_000_000;

    private final String name;
    private volatile @Nullable Serving serving;

    private record Serving(
            GatewayData data, Supplier<NbdCounters> nbd, Function<String, List<String>> uris) {}

    LocalGateway(String name) {
        this.name = name;
    }

    /// The gateway is there from now on.
    ///
    /// @param uris how clients reach a volume
    void serve(GatewayData data, Supplier<NbdCounters> nbd, Function<String, List<String>> uris) {
        serving = new Serving(data, nbd, uris);
    }

    private Serving serving() {
        Serving now = serving;
        if (now == null) {
            throw AdminException.unavailable(
                    "starting", "gateway %s is still starting".formatted(name));
        }
        return now;
    }

    @Override
    public String name() {
        return name;
    }

    private List<VolumeStatus> status() {
        return within(ANSWER_MAX, serving().data.status());
    }

    @Override
    public List<VolumeState> volumes() {
        if (serving == null) {
            return List.of();
        }
        long nowNs = System.nanoTime();
        return status().stream()
                .map(volume ->
                        new VolumeState(
                                volume.volumeId(),
                                volume.name(),
                                volume.state(),
                                waitsFor(volume, nowNs),
                                volume.clients(),
                                volume.pinned(),
                                volume.unsyncedBytes(),
                                volume.throttledNs() / 1_000_000,
                                volume.throttledRequests()))
                .toList();
    }

    private static String waitsFor(VolumeStatus volume, long nowNs) {
        boolean busy = volume.inFlightBytes() > 0 || volume.queued() > 0;
        return busy && nowNs - volume.waitingSinceNs() > WAITS_NS ? volume.waitingFor() : "";
    }

    @Override
    public long attach(VolumeInfo volume, boolean takeover) {
        Command.Attach.Mode mode =
                takeover ? Command.Attach.Mode.TAKEOVER : Command.Attach.Mode.NORMAL;
        change(volume, (gateway, done) -> gateway.attach(volume.volumeId(), mode, done));
        return status().stream()
                .filter(status -> status.volumeId() == volume.volumeId())
                .mapToLong(VolumeStatus::term)
                .findFirst()
                .orElse(0);
    }

    @Override
    public void detach(VolumeInfo volume) {
        change(volume, (gateway, done) -> gateway.detach(volume.volumeId(), done));
    }

    private void change(VolumeInfo volume, BiConsumer<Gateway, Consumer<@Nullable String>> work) {
        GatewayData data = serving().data;
        int place = data.place(volume.volumeId());
        CompletableFuture<String> result = new CompletableFuture<>();
        data.loop(place)
                .submit(() ->
                        work.accept(
                                data.gateway(place),
                                refusal -> result.complete(refusal == null ? "" : refusal)));
        String why = within(CHANGE_MAX, result);
        if (!why.isEmpty()) {
            throw AdminException.conflict("refused", why);
        }
    }

    private <T> T within(Duration limit, CompletableFuture<T> result) {
        try {
            return result.get(limit.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            throw AdminException.unavailable(
                    "no-answer",
                    "gateway %s has not answered within %d s; see `comet cluster health`"
                            .formatted(name, limit.toSeconds()));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw AdminException.unavailable("stopping", "this process is stopping");
        } catch (ExecutionException e) {
            throw new IllegalStateException(e.getCause());
        }
    }

    @Override
    public List<String> uris(String volume) {
        Serving now = serving;
        return now == null ? List.of() : now.uris.apply(volume);
    }

    @Override
    public void sample(Metrics.Sink sink) {
        for (VolumeStatus volume : status()) {
            sample(sink, volume);
        }
        String labels = Metrics.labels("process", name);
        NbdCounters nbd = serving().nbd.get();
        sink.gauge("comet_nbd_connections", "Open NBD connections.", labels, nbd.connectionsOpen);
        sink.counter(
                "comet_nbd_connections_total",
                "NBD connections accepted.",
                labels,
                nbd.connectionsAccepted);
        sink.counter(
                "comet_nbd_connections_aborted_total",
                "NBD connections ended because the client broke the protocol or a deadline.",
                labels,
                nbd.connectionsAborted);
        sink.gauge(
                "comet_nbd_requests_in_flight",
                "NBD requests under way.",
                labels,
                nbd.requestsInFlight);
    }

    private void sample(Metrics.Sink sink, VolumeStatus volume) {
        String labels = Metrics.labels("process", name, "volume", volume.name());
        sink.gauge(
                "comet_volume_unsynced_bytes",
                "Data of writes that are kept until they are durable everywhere.",
                labels,
                volume.unsyncedBytes());
        sink.gauge(
                "comet_volume_in_flight_bytes",
                "Data of requests under way.",
                labels,
                volume.inFlightBytes());
        sink.gauge(
                "comet_volume_clients", "Connections that have it open.", labels, volume.clients());
        sink.gauge(
                "comet_volume_chunks_to_level",
                "Chunks whose replicas a dead gateway left different and that are not levelled yet.",
                labels,
                volume.toLevel());
        sink.counter(
                "comet_volume_throttled_requests_total",
                "Requests that waited for the volume's limits.",
                labels,
                volume.throttledRequests());
        sink.counter(
                "comet_volume_throttled_seconds_total",
                "Time in which requests waited for the volume's limits.",
                labels,
                volume.throttledNs() / 1e9);
        VolumeStats stats = volume.stats();
        sink.counter(
                "comet_volume_errors_total",
                "Requests that were answered with an error.",
                labels,
                stats.errors());
        latency(sink, volume.name(), "read", stats.reads);
        latency(sink, volume.name(), "write", stats.changes);
        latency(sink, volume.name(), "flush", stats.flushes);
        bytes(sink, volume.name(), "read", stats.readBytes());
        bytes(sink, volume.name(), "write", stats.writtenBytes());
    }

    private void latency(
            Metrics.Sink sink, String volume, String operation, LatencyHistogram latency) {
        sink.histogram(
                "comet_volume_operation_seconds",
                "Time from a request to its answer; zeroes and trims are writes.",
                Metrics.labels("process", name, "volume", volume, "operation", operation),
                latency);
    }

    private void bytes(Metrics.Sink sink, String volume, String operation, long bytes) {
        sink.counter(
                "comet_volume_bytes_total",
                "Data that guests have read and written.",
                Metrics.labels("process", name, "volume", volume, "operation", operation),
                bytes);
    }
}
