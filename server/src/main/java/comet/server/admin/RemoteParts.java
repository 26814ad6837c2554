package comet.server.admin;

import comet.cli.AdminClient;
import comet.cluster.VolumeInfo;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Nodes and a gateway that run as processes of their own on this machine, asked over their own
/// admin sockets. One that does not answer in time is left out.
public final class RemoteParts implements NodePart, GatewayPart {
    private static final Duration ANSWER_MAX = Duration.ofSeconds(2);
    private static final Duration CHANGE_MAX = Duration.ofSeconds(60);
    private static final Executor THREADS = task -> Thread.ofVirtual().start(task);
    private static final JsonMapper JSON = JsonMapper.shared();

    private final Map<String, AdminClient> nodes = new TreeMap<>();
    private final String gatewayName;
    private final AdminClient gateway;
    private final Function<String, List<String>> uris;

    /// @param nodeSockets by the nodes' names
    /// @param uris how clients reach a volume
    public RemoteParts(
            Map<String, Path> nodeSockets,
            String gatewayName,
            Path gatewaySocket,
            Function<String, List<String>> uris) {
        nodeSockets.forEach((name, socket) -> nodes.put(name, client(socket)));
        this.gatewayName = gatewayName;
        this.gateway = client(gatewaySocket);
        this.uris = uris;
    }

    private static AdminClient client(Path socket) {
        return new AdminClient(new AdminClient.Target.Socket(socket));
    }

    private static <T> T within(Duration limit, Function<AdminClient, T> call, AdminClient client) {
        CompletableFuture<T> result =
                CompletableFuture.supplyAsync(() -> call.apply(client), THREADS);
        try {
            return result.get(limit.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            throw AdminException.unavailable("no-answer", "the process does not answer");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw AdminException.unavailable("stopping", "this process is stopping");
        } catch (ExecutionException e) {
            if (e.getCause() instanceof AdminClient.AdminException refused) {
                String text = String.valueOf(refused.getMessage());
                throw refused.code.equals("unreachable")
                        ? AdminException.unavailable(refused.code, text)
                        : AdminException.conflict(refused.code, text);
            }
            throw new IllegalStateException(e.getCause());
        }
    }

    /// What every process answers to a question; those that do not are left out.
    private <T> Map<String, T> all(boolean withGateway, Function<AdminClient, T> question) {
        Map<String, AdminClient> asked = new TreeMap<>(nodes);
        if (withGateway) {
            asked.put(gatewayName, gateway);
        }
        Map<String, CompletableFuture<T>> answers = new LinkedHashMap<>();
        asked.forEach((name, client) ->
                answers.put(
                        name,
                        CompletableFuture.supplyAsync(
                                () -> within(ANSWER_MAX, question, client), THREADS)));
        Map<String, T> result = new TreeMap<>();
        answers.forEach((name, answer) -> {
            T value = answer.exceptionally(_ -> null).join();
            if (value != null) {
                result.put(name, value);
            }
        });
        return result;
    }

    @Override
    public List<DiskState> disks() {
        List<DiskState> disks = new ArrayList<>();
        for (JsonNode answer : all(false, client -> client.get("/v1/node/disks")).values()) {
            for (JsonNode disk : answer.path("disks")) {
                disks.add(JSON.treeToValue(disk, DiskState.class));
            }
        }
        return disks;
    }

    @Override
    public int addDisk(
            String node, Path folder, long weightBytes, @Nullable String domain, boolean idle) {
        AdminClient client = nodes.get(node);
        if (client == null) {
            throw AdminException.missing(
                    "unknown-node",
                    "there is no node %s here; see `comet node list`".formatted(node));
        }
        Map<String, Object> body = new LinkedHashMap<>();
        body.put("path", folder.toString());
        body.put("weightBytes", weightBytes);
        body.put("domain", domain);
        body.put("idle", idle);
        return within(CHANGE_MAX, c -> c.post("/v1/nodes/" + node + "/disks", body), client)
                .path("id")
                .asInt();
    }

    @Override
    public String name() {
        return gatewayName;
    }

    @Override
    public List<VolumeState> volumes() {
        List<VolumeState> volumes = new ArrayList<>();
        try {
            JsonNode answer = within(ANSWER_MAX, c -> c.get("/v1/gateway/volumes"), gateway);
            for (JsonNode volume : answer.path("volumes")) {
                volumes.add(JSON.treeToValue(volume, VolumeState.class));
            }
        } catch (AdminException e) {
            return List.of();
        }
        return volumes;
    }

    @Override
    public long attach(VolumeInfo volume, boolean takeover) {
        return change(volume, "attach", Map.of("takeover", takeover)).path("term").asLong();
    }

    @Override
    public void detach(VolumeInfo volume) {
        change(volume, "detach", Map.of());
    }

    private JsonNode change(VolumeInfo volume, String verb, Map<String, Object> body) {
        return within(
                CHANGE_MAX,
                c -> c.post("/v1/volumes/" + volume.name() + "/" + verb, body),
                gateway);
    }

    @Override
    public List<String> uris(String volume) {
        return uris.apply(volume);
    }

    /// Events of all processes, in order of time.
    public List<EventLog.Event> events(List<EventLog.Event> own) {
        List<EventLog.Event> events = new ArrayList<>(own);
        for (JsonNode answer : all(true, client -> client.get("/v1/process/events")).values()) {
            for (JsonNode event : answer.path("events")) {
                events.add(JSON.treeToValue(event, EventLog.Event.class));
            }
        }
        events.sort(Comparator.comparingLong(EventLog.Event::timeMs));
        return events;
    }

    /// Metrics of all processes; their labels tell them apart.
    public void sample(Metrics.Sink sink) {
        all(true, client -> client.text("/metrics")).values().forEach(sink::merge);
    }
}
