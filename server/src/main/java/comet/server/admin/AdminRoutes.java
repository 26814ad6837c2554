package comet.server.admin;

import comet.base.Sizes;
import comet.cluster.ClusterMap;
import comet.cluster.VolumeLimits;
import comet.server.admin.Views.DiskView;
import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.json.JsonMapper;

/// The routes of the API, thin over [Admin]. Described in docs/openapi.yaml.
final class AdminRoutes {
    private static final JsonMapper JSON =
            JsonMapper.builder().enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES).build();

    private final Admin admin;

    AdminRoutes(Admin admin) {
        this.admin = admin;
    }

    private record CreateCluster(@Nullable Integer replicas, @Nullable Integer placementGroups) {}

    private record AddDisk(
            @Nullable String path,
            @Nullable Long weightBytes,
            @Nullable String domain,
            @Nullable Boolean idle) {}

    private record CreateVolume(
            @Nullable String name,
            @Nullable Long sizeBytes,
            @Nullable String durability,
            @Nullable Long iops,
            @Nullable Long bytesPerSecond,
            @Nullable Integer burstSeconds) {}

    private record Limit(
            @Nullable Long iops, @Nullable Long bytesPerSecond, @Nullable Integer burstSeconds) {}

    private record ChangeSettings(@Nullable Map<String, @Nullable String> settings) {}

    private record Resize(@Nullable Long sizeBytes) {}

    private record Rename(@Nullable String name) {}

    private record Attach(@Nullable String gateway, @Nullable Boolean takeover) {}

    private record Detach(@Nullable Boolean force) {}

    private record Migrate(@Nullable String gateway) {}

    private record MapView(
            long revision,
            List<DiskView> disks,
            List<Views.NodeView> nodes,
            List<Views.PgView> pgs) {}

    void register(RoutesConfig routes) {
        routes.get("/v1/cluster", c -> json(c, admin.cluster()));
        routes.post("/v1/cluster", this::createCluster);
        routes.get(
                "/v1/cluster/metadata", c -> c.contentType("text/plain").result(admin.metadata()));
        routes.get("/v1/settings", c -> json(c, Map.of("settings", admin.settings().list())));
        routes.post(
                "/v1/settings",
                c -> {
                    var changes = need(body(c, ChangeSettings.class).settings, "settings");
                    json(c, Map.of("settings", admin.settings().change(changes)));
                });
        routes.get("/v1/health", c -> json(c, admin.health()));
        routes.get("/v1/map", c -> json(c, map()));
        routes.get("/v1/events", c -> json(c, Map.of("events", events(c))));
        routes.get("/v1/process/events", c -> json(c, Map.of("events", admin.events().get())));
        routes.get("/v1/nodes", c -> json(c, Map.of("nodes", nodes())));
        routes.get("/v1/disks", c -> json(c, Map.of("disks", disks())));
        routes.post("/v1/nodes/{node}/disks", this::addDisk);
        routes.get("/v1/pgs", c -> json(c, Map.of("pgs", pgs(c))));
        routes.get("/v1/pgs/{pg}", c -> json(c, pg(c.pathParam("pg"))));
        routes.post("/v1/pgs/{pg}/repair", c -> json(c, repair(c.pathParam("pg"))));
        routes.post(
                "/v1/disks/{disk}/scrub",
                c -> json(c, Scrubbing.orderDisk(admin.group(), c.pathParam("disk"))));
        routes.get("/v1/gateways", c -> json(c, Map.of("gateways", gateways())));
        routes.get(
                "/v1/gateway/volumes",
                c -> json(c, Map.of("name", gatewayName(), "volumes", gatewayVolumes())));
        routes.get("/v1/node/disks", c -> json(c, Map.of("disks", admin.localDisks())));
        new ChangeRoutes(admin).register(routes);
        new MemberRoutes(admin).register(routes);
        new ForceRoutes(admin.forcing()).register(routes);
        volumes(routes);
        routes.get(
                "/metrics",
                c -> c.contentType("text/plain; version=0.0.4").result(admin.metrics().text()));
    }

    private void volumes(RoutesConfig routes) {
        Volumes volumes = admin.volumes();
        routes.get("/v1/volumes", c -> json(c, Map.of("volumes", volumes.list())));
        routes.post(
                "/v1/volumes",
                c -> {
                    CreateVolume body = body(c, CreateVolume.class);
                    String durability = body.durability == null ? "flush" : body.durability;
                    json(
                            c.status(201),
                            volumes.create(
                                    need(body.name, "name"),
                                    need(body.sizeBytes, "sizeBytes"),
                                    durability,
                                    new VolumeLimits(
                                            body.iops == null ? 0 : body.iops,
                                            body.bytesPerSecond == null ? 0 : body.bytesPerSecond,
                                            body.burstSeconds == null ? 0 : body.burstSeconds)));
                });
        routes.get("/v1/volumes/{name}", c -> json(c, volumes.info(name(c))));
        routes.delete("/v1/volumes/{name}", c -> json(c, volumes.delete(name(c))));
        routes.post(
                "/v1/volumes/{name}/resize",
                c ->
                        json(
                                c,
                                volumes.resize(
                                        name(c),
                                        need(body(c, Resize.class).sizeBytes, "sizeBytes"))));
        routes.post(
                "/v1/volumes/{name}/limits",
                c -> {
                    Limit body = body(c, Limit.class);
                    json(
                            c,
                            volumes.limit(
                                    name(c), body.iops, body.bytesPerSecond, body.burstSeconds));
                });
        routes.post(
                "/v1/volumes/{name}/rename",
                c -> json(c, volumes.rename(name(c), need(body(c, Rename.class).name, "name"))));
        routes.post("/v1/volumes/{name}/restore", c -> json(c, volumes.restore(name(c))));
        routes.post(
                "/v1/volumes/{name}/purge",
                c -> {
                    volumes.purge(name(c));
                    json(c, Map.of());
                });
        routes.post(
                "/v1/volumes/{name}/attach",
                c -> {
                    Attach body = body(c, Attach.class);
                    json(
                            c,
                            volumes.attach(
                                    name(c), body.gateway, Boolean.TRUE.equals(body.takeover)));
                });
        routes.post(
                "/v1/volumes/{name}/detach",
                c ->
                        json(
                                c,
                                volumes.detach(
                                        name(c),
                                        Boolean.TRUE.equals(body(c, Detach.class).force))));
        routes.post(
                "/v1/volumes/{name}/migrate",
                c ->
                        json(
                                c,
                                volumes.migrate(
                                        name(c), need(body(c, Migrate.class).gateway, "gateway"))));
    }

    private void createCluster(Context c) {
        CreateCluster body = body(c, CreateCluster.class);
        int replicas = body.replicas == null ? 2 : body.replicas;
        int groups = body.placementGroups == null ? Sizes.PLACEMENT_GROUPS : body.placementGroups;
        json(c.status(201), Map.of("id", admin.createCluster(replicas, groups)));
    }

    private void addDisk(Context c) {
        AddDisk body = body(c, AddDisk.class);
        NodePart nodes = admin.nodes();
        String node = c.pathParam("node");
        if (nodes == null) {
            throw AdminException.conflict(
                    "no-node-here",
                    "this process cannot speak to node %s: name that node's admin API with --admin"
                            .formatted(node));
        }
        long weight = body.weightBytes == null ? 0 : body.weightBytes;
        Path path = Path.of(need(body.path, "path"));
        boolean idle = Boolean.TRUE.equals(body.idle);
        int id = nodes.addDisk(node, path, weight, body.domain, idle);
        json(c.status(201), Map.of("id", id));
    }

    private List<Views.EventView> events(Context c) {
        String after = c.queryParam("after");
        long number = after == null ? 0 : number(after);
        if (number < 0) {
            throw AdminException.bad("bad-request", "`after` is the number of an event");
        }
        return Views.events(admin.group().events(number));
    }

    private MapView map() {
        GroupStatus status = admin.group().status();
        List<NodePart.DiskState> local = admin.localDisks();
        return admin.group()
                .read(map ->
                        new MapView(
                                map.revision(),
                                Views.disks(map, status, local),
                                Views.nodes(map, status),
                                Views.pgs(map, status, false)));
    }

    private List<Views.NodeView> nodes() {
        GroupStatus status = admin.group().status();
        return admin.group().read(map -> Views.nodes(map, status));
    }

    private List<DiskView> disks() {
        GroupStatus status = admin.group().status();
        List<NodePart.DiskState> local = admin.localDisks();
        return admin.group().read(map -> Views.disks(map, status, local));
    }

    private List<Views.PgView> pgs(Context c) {
        GroupStatus status = admin.group().status();
        boolean notWell = "true".equals(c.queryParam("notWell"));
        return admin.group().read(map -> Views.pgs(map, status, notWell));
    }

    private Views.PgView pg(String text) {
        GroupStatus status = admin.group().status();
        return admin.group()
                .read(map -> {
                    int pg = number(text);
                    if (pg < 0 || pg >= map.pgCount()) {
                        throw missingPg(map, text);
                    }
                    return Views.pg(map, status, pg);
                });
    }

    private Map<String, Long> repair(String text) {
        int pg = pg(text).pg();
        return Scrubbing.orderPg(admin.group(), pg);
    }

    private static AdminException missingPg(ClusterMap map, String text) {
        return AdminException.missing(
                "unknown-pg",
                "there is no placement group %s: they are 0 to %d"
                        .formatted(text, map.pgCount() - 1));
    }

    static int number(String text) {
        try {
            return Integer.parseInt(text);
        } catch (NumberFormatException e) {
            return -1;
        }
    }

    private List<Views.GatewayView> gateways() {
        GroupStatus status = admin.group().status();
        return admin.group().read(map -> Views.gateways(map, status));
    }

    private String gatewayName() {
        GatewayPart gateway = admin.gateway();
        return gateway == null ? "" : gateway.name();
    }

    private List<GatewayPart.VolumeState> gatewayVolumes() {
        GatewayPart gateway = admin.gateway();
        return gateway == null ? List.of() : gateway.volumes();
    }

    private static String name(Context c) {
        return c.pathParam("name");
    }

    static <T> T need(@Nullable T value, String field) {
        if (value == null) {
            throw AdminException.bad("bad-request", "the field `%s` is missing".formatted(field));
        }
        return value;
    }

    static <T> T body(Context c, Class<T> type) {
        String text = c.body();
        try {
            T body = JSON.readValue(text.isBlank() ? "{}" : text, type);
            if (body == null) {
                throw AdminException.bad("bad-request", "the request's body is no object");
            }
            return body;
        } catch (JacksonException e) {
            throw AdminException.bad(
                    "bad-request", "the request's body cannot be read: " + e.getOriginalMessage());
        }
    }

    static void json(Context c, Object value) {
        c.contentType("application/json").result(JSON.writeValueAsBytes(value));
    }
}
