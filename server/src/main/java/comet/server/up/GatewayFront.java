package comet.server.up;

import comet.io.loop.EventLoop;
import comet.io.net.Address;
import comet.server.admin.Metrics;
import comet.server.config.HostPort;
import comet.server.config.NbdTlsConfig;
import comet.server.control.ControlClient;
import comet.server.data.DataException;
import comet.server.data.GatewayData;
import comet.server.nbd.NbdLimits;
import comet.server.nbd.NbdServer;
import comet.server.nbd.NbdTls;
import comet.server.raft.NbdAddresses;
import comet.volume.GatewayConfig;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// A gateway with its NBD server, put into a process.
final class GatewayFront {
    private static final Logger LOG = LoggerFactory.getLogger(GatewayFront.class);

    /// How long requests under way may take when the process stops.
    private static final Duration NBD_STOP = Duration.ofSeconds(10);

    private final LocalGateway part;
    private final @Nullable HostPort tcp;

    private GatewayFront(LocalGateway part, @Nullable HostPort tcp) {
        this.part = part;
        this.tcp = tcp;
    }

    /// Registers the gateway, waiting for the group as long as it takes, and serves on all loops of
    /// the process.
    ///
    /// @param part told of the gateway when it is there
    static GatewayFront start(
            ProcessCore process,
            LocalGateway part,
            GatewayConfig config,
            List<String> exports,
            Path socket,
            @Nullable HostPort listen,
            NbdTlsConfig tlsConfig) {
        NbdTls tls = tls(tlsConfig);
        List<GatewayData.Place> places = new ArrayList<>();
        List<ControlClient> clients = new ArrayList<>();
        for (EventLoop loop : process.loops) {
            ControlClient client = process.client(loop);
            clients.add(client);
            places.add(new GatewayData.Place(loop, client, process.dialer(loop)));
        }
        GatewayData data;
        try {
            data =
                    GatewayData.start(
                            places,
                            part.name(),
                            process.folder.id(),
                            process.folder.starts(),
                            process.hostId,
                            config,
                            process.events);
        } catch (DataException e) {
            throw new StartException(String.valueOf(e.getMessage()), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StartException("interrupted", e);
        }
        List<NbdServer.Place> fronts = new ArrayList<>();
        for (int i = 0; i < places.size(); i++) {
            EventLoop loop = data.loop(i);
            ControlClient client = clients.get(i);
            // Each: the group asks where it was told, and only the volume's own core can answer.
            loop.submit(() -> client.reportGateway(data.gatewayId()));
            fronts.add(new NbdServer.Place(loop, new VolumeExports(data, i, exports)));
        }
        process.closers.add("gateway", data::close);
        NbdServer nbd =
                new NbdServer(
                        fronts,
                        NbdLimits.DEFAULT.within(EventLoop.directBytesMax()),
                        process.events,
                        tls);
        process.closers.add("nbd", () -> stop(nbd));
        HostPort real = null;
        if (listen != null) {
            Address bound =
                    listen(
                            nbd,
                            new Address.Tcp(listen.host(), listen.port()),
                            NbdTls.Mode.valueOf(tlsConfig.mode().name()));
            real = bound instanceof Address.Tcp tcp ? listen.withPort(tcp.port()) : listen;
        }
        // Last, since `comet up --nodes` takes the file for the sign that all is there. Who may
        // open
        // it sees the disks' own files too: TLS would hide nothing there.
        listen(nbd, new Address.Unix(socket), tls == null ? NbdTls.Mode.OFF : NbdTls.Mode.OPTIONAL);
        Function<String, List<String>> uris = uris(socket, real, tlsConfig);
        data.loop(0).submit(() -> clients.getFirst().reportNbd(uris.apply(NbdAddresses.VOLUME)));
        part.serve(data, nbd::counters, uris);
        process.metrics.add(part);
        return new GatewayFront(part, real);
    }

    private static void stop(NbdServer nbd) throws Exception {
        CompletableFuture<?> stopped = nbd.stop(NBD_STOP);
        try {
            stopped.get(1, TimeUnit.SECONDS);
        } catch (TimeoutException e) {
            LOG.info(
                    "event=draining requests={} secondsMax={}",
                    nbd.counters().requestsInFlight,
                    NBD_STOP.toSeconds());
            stopped.get(20, TimeUnit.SECONDS);
        }
    }

    private static Function<String, List<String>> uris(
            Path socket, @Nullable HostPort tcp, NbdTlsConfig tls) {
        return volume -> {
            List<String> uris = new ArrayList<>();
            uris.add("nbd+unix:///" + volume + "?socket=" + socket);
            if (tcp != null) {
                uris.add(uri(tcp, tls, volume));
            }
            return uris;
        };
    }

    private static @Nullable NbdTls tls(NbdTlsConfig config) {
        Path certificate = config.certificate();
        Path key = config.key();
        if (config.mode() == NbdTlsConfig.Mode.OFF || certificate == null || key == null) {
            return null;
        }
        try {
            return new NbdTls(certificate, key, config.clientCa());
        } catch (IOException e) {
            throw new StartException(String.valueOf(e.getMessage()), e);
        }
    }

    /// Where a volume is, over TCP.
    static String uri(@Nullable HostPort tcp, NbdTlsConfig tls, String volume) {
        String scheme = tls.mode() == NbdTlsConfig.Mode.REQUIRED ? "nbds://" : "nbd://";
        return scheme + tcp + (volume.isEmpty() ? "" : "/" + volume);
    }

    private static Address listen(NbdServer nbd, Address address, NbdTls.Mode mode) {
        try {
            return nbd.listen(address, mode).get(10, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            Throwable cause = e.getCause();
            throw new StartException(
                    "NBD: %s. Choose another address"
                            .formatted(cause == null ? e : cause.getMessage()),
                    e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StartException("interrupted", e);
        } catch (TimeoutException e) {
            throw new StartException("NBD cannot listen on " + address + ": no answer", e);
        }
    }

    LocalGateway part() {
        return part;
    }

    /// The address in use over TCP, or null.
    @Nullable HostPort tcp() {
        return tcp;
    }

    Metrics.Source metrics() {
        return part;
    }
}
