package comet.server.admin;

import static comet.server.admin.AdminRoutes.body;
import static comet.server.admin.AdminRoutes.json;
import static comet.server.admin.AdminRoutes.need;

import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Routes that change which disks hold what, thin over [Changes]. Described in docs/openapi.yaml.
final class ChangeRoutes {
    private final Admin admin;

    ChangeRoutes(Admin admin) {
        this.admin = admin;
    }

    private record Weight(@Nullable Long weightBytes) {}

    private record Replace(@Nullable Integer by) {}

    private record Maintenance(@Nullable Boolean on, @Nullable Long seconds) {}

    void register(RoutesConfig routes) {
        Changes changes = admin.changes();
        routes.get("/v1/moves", c -> json(c, admin.moving()));
        routes.post(
                "/v1/disks/{disk}/weight",
                c -> {
                    Weight body = body(c, Weight.class);
                    changes.setWeight(disk(c), need(body.weightBytes, "weightBytes"));
                    json(c, Map.of());
                });
        routes.post("/v1/disks/{disk}/remove", c -> done(c, () -> changes.removeDisk(disk(c))));
        routes.post("/v1/disks/{disk}/keep", c -> done(c, () -> changes.keepDisk(disk(c))));
        routes.post(
                "/v1/disks/{disk}/replace",
                c -> {
                    int by = need(body(c, Replace.class).by, "by");
                    done(c, () -> changes.replaceDisk(disk(c), by));
                });
        routes.post("/v1/nodes/{node}/drain", c -> done(c, () -> changes.drain(node(c))));
        routes.post("/v1/nodes/{node}/undrain", c -> done(c, () -> changes.undrain(node(c))));
        routes.post("/v1/nodes/{node}/remove", c -> done(c, () -> changes.removeNode(node(c))));
        routes.post(
                "/v1/nodes/{node}/maintenance",
                c -> {
                    Maintenance body = body(c, Maintenance.class);
                    boolean on = need(body.on, "on");
                    done(c, () -> changes.maintenance(node(c), on, body.seconds));
                });
    }

    private static void done(Context c, Runnable change) {
        change.run();
        json(c, Map.of());
    }

    private static String node(Context c) {
        return c.pathParam("node");
    }

    private static int disk(Context c) {
        String text = c.pathParam("disk");
        int id = AdminRoutes.number(text);
        if (id <= 0) {
            throw AdminException.missing(
                    "unknown-disk", "there is no disk %s; see `comet disk list`".formatted(text));
        }
        return id;
    }
}
