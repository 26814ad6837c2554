package comet.server.admin;

import static comet.server.admin.AdminRoutes.body;
import static comet.server.admin.AdminRoutes.json;
import static comet.server.admin.AdminRoutes.need;

import comet.server.config.HostPort;
import io.javalin.config.RoutesConfig;
import org.jspecify.annotations.Nullable;

/// Routes of the metadata group's members, thin over [Members]. Described in docs/openapi.yaml.
final class MemberRoutes {
    private final Admin admin;

    MemberRoutes(Admin admin) {
        this.admin = admin;
    }

    private record Add(
            @Nullable String name, @Nullable String control, @Nullable String replaces) {}

    void register(RoutesConfig routes) {
        Members members = new Members(admin.group());
        routes.get("/v1/members", c -> json(c, members.list()));
        routes.post(
                "/v1/members",
                c -> {
                    Add body = body(c, Add.class);
                    members.add(
                            need(body.name, "name"),
                            address(need(body.control, "control")),
                            body.replaces);
                    json(c.status(201), members.list());
                });
        routes.post(
                "/v1/members/{name}/remove",
                c -> {
                    members.remove(c.pathParam("name"));
                    json(c, members.list());
                });
    }

    private static String address(String text) {
        try {
            return HostPort.parse(text).toString();
        } catch (IllegalArgumentException e) {
            throw AdminException.bad("bad-request", "`control` is HOST:PORT, not " + text);
        }
    }
}
