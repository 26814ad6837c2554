package comet.server.admin;

import static comet.server.admin.AdminRoutes.body;
import static comet.server.admin.AdminRoutes.json;
import static comet.server.admin.AdminRoutes.need;

import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Routes for what only helps by force, thin over [Forcing]. Described in docs/openapi.yaml.
final class ForceRoutes {
    private final Forcing forcing;

    ForceRoutes(Forcing forcing) {
        this.forcing = forcing;
    }

    private record Force(
            @Nullable List<Integer> pgs,
            @Nullable Boolean empty,
            @Nullable Boolean acceptDataLoss) {}

    private record ForceDisk(@Nullable Boolean acceptDataLoss) {}

    void register(RoutesConfig routes) {
        routes.get("/v1/pgs/{pg}/loss", c -> json(c, forcing.plan(number(c, "pg"))));
        routes.get("/v1/disks/{disk}/stuck", c -> json(c, forcing.stuck(number(c, "disk"))));
        routes.post(
                "/v1/force-available",
                c -> {
                    Force body = body(c, Force.class);
                    forcing.force(need(body.pgs, "pgs"), body.empty, body.acceptDataLoss);
                    json(c, Map.of());
                });
        routes.post(
                "/v1/disks/{disk}/force-available",
                c -> {
                    ForceDisk body = body(c, ForceDisk.class);
                    forcing.forceDisk(number(c, "disk"), body.acceptDataLoss);
                    json(c, Map.of());
                });
    }

    private static int number(Context c, String name) {
        return AdminRoutes.number(c.pathParam(name));
    }
}
