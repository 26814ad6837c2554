package comet.cli;

import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.databind.JsonNode;

@Command(
        name = "cluster",
        description = "The cluster as a whole.",
        subcommands = {
            ClusterCommands.Create.class,
            ClusterCommands.Status.class,
            ClusterCommands.Health.class,
            ClusterCommands.ShowMap.class,
            MetadataCommands.Export.class,
            MetadataCommands.Recover.class,
            EventCommands.Events.class,
            SettingCommands.ListSettings.class,
            SettingCommands.Change.class,
            RebalanceCommand.class,
            MemberCommands.Members.class,
            MemberCommands.Add.class,
            MemberCommands.Remove.class,
            MemberCommands.Replace.class
        })
final class ClusterCommands extends AdminCommand.Group {

    @Command(
            name = "create",
            description = "Create the cluster, once, after its metadata group was started.")
    static final class Create extends AdminCommand {
        @Option(names = "--replicas", description = "Copies of every chunk, 1 to 3. Default: 2.")
        int replicas = 2;

        @Option(
                names = "--placement-groups",
                paramLabel = "N",
                description = "A power of two, for ever. Default: 8192.")
        @Nullable Integer placementGroups;

        @Override
        int run(AdminClient client) {
            Map<String, Object> body = new LinkedHashMap<>();
            body.put("replicas", replicas);
            if (placementGroups != null) {
                body.put("placementGroups", placementGroups);
            }
            System.out.println("created cluster " + text(client.post("/v1/cluster", body), "id"));
            return 0;
        }
    }

    @Command(name = "status", description = "What the cluster is and how it is.")
    static final class Status extends AdminCommand {
        @Mixin JsonOption json = new JsonOption();

        @Override
        int run(AdminClient client) {
            JsonNode status = client.get("/v1/cluster");
            if (json.print(status)) {
                return 0;
            }
            if (!status.path("exists").asBoolean()) {
                System.out.println("cluster      none yet: create it with `comet cluster create`");
                return 0;
            }
            System.out.println("cluster      " + text(status, "id"));
            System.out.println("health       " + text(status, "health"));
            System.out.printf(
                    "metadata     revision %s, leader %s%n",
                    text(status, "revision"), orNone(text(status, "leader")));
            System.out.printf(
                    "placement    %s groups, %s copies, %s domains%n",
                    text(status, "placementGroups"),
                    text(status, "replicas"),
                    text(status, "domains"));
            System.out.printf(
                    "nodes        %s of %s alive, disks %s of %s, gateways %s%n",
                    text(status, "nodesAlive"),
                    text(status, "nodes"),
                    text(status, "disksAlive"),
                    text(status, "disks"),
                    text(status, "gateways"));
            System.out.printf(
                    "capacity     %s raw, %s used, %s provisioned in %s volumes%n",
                    orUnknown(bytes(status, "capacityBytes")),
                    orUnknown(bytes(status, "usedBytes")),
                    bytes(status, "provisionedBytes"),
                    text(status, "volumes"));
            int sharing = status.path("disksSharing").asInt();
            if (sharing > 0) {
                System.out.printf(
                        "             %d disks share file systems with others: what is free there"
                                + " counts once%n",
                        sharing);
            }
            fullness(status);
            moves(status.path("moves"));
            for (JsonNode warning : status.path("warnings")) {
                System.out.println("warning      " + warning.asString());
            }
            return 0;
        }

        private static void fullness(JsonNode status) {
            String share = DiskCommands.share(status);
            System.out.printf(
                    "fullness     %s, %s disks near full (from 85%%), %s full (from 95%%)%n",
                    share.isEmpty() ? "unknown" : share + " of raw",
                    text(status, "disksNearFull"),
                    text(status, "disksFull"));
        }

        private static void moves(JsonNode moves) {
            if (RebalanceCommand.left(moves) > 0 || moves.path("paused").asBoolean()) {
                System.out.println("moves        " + RebalanceCommand.line(moves));
            }
        }

        private static String orNone(String text) {
            return text.isEmpty() ? "none" : text;
        }

        private static String orUnknown(String text) {
            return text.isEmpty() ? "unknown" : text;
        }
    }

    @Command(
            name = "health",
            description = {
                "What is wrong, by codes. Exit status 0 where nothing is (warnings aside), else 1.",
                "With --wait: until nothing is wrong and nothing is under way that will end by"
                        + " itself, such as copies that are brought up to date. Warnings that"
                        + " only an operator can end are told, and not waited for."
            })
    static final class Health extends AdminCommand {
        @Mixin WaitOptions wait = new WaitOptions();

        @Mixin JsonOption json = new JsonOption();

        @Override
        int run(AdminClient client) {
            Deadline end = wait.deadline(this);
            Waiting waiting = Waiting.onConsole();
            while (true) {
                JsonNode health = get(client);
                boolean failed = "error".equals(text(health, "status"));
                boolean settled = !failed && !passes(health);
                boolean last = !wait.wanted || settled || end.over();
                if (json.wanted && last) {
                    printJson(health);
                } else if (last) {
                    waiting.end(lines(health));
                } else if (!json.wanted) {
                    waiting.show(
                            first(health),
                            lines(health),
                            left(health),
                            "placement groups",
                            System.nanoTime());
                }
                if (last) {
                    return failed || wait.wanted && !settled ? 1 : 0;
                }
                WaitOptions.pause(250);
            }
        }

        private static boolean passes(JsonNode health) {
            for (JsonNode item : health.path("items")) {
                if (item.path("passes").asBoolean()) {
                    return true;
                }
            }
            return false;
        }

        /// While one waits, an API that does not answer yet is one more thing to wait for.
        private JsonNode get(AdminClient client) {
            try {
                return client.get("/v1/health");
            } catch (AdminClient.AdminException e) {
                if (!wait.wanted) {
                    throw e;
                }
                Map<String, Object> item = new LinkedHashMap<>();
                item.put("level", "error");
                item.put("code", e.code);
                item.put("message", String.valueOf(e.getMessage()));
                return AdminClient.JSON.valueToTree(
                        Map.of("status", "error", "items", new Object[] {item}));
            }
        }

        private static String first(JsonNode health) {
            JsonNode item = health.path("items").path(0);
            return text(item, "message");
        }

        private static long left(JsonNode health) {
            long left = 0;
            for (JsonNode item : health.path("items")) {
                left += item.path("count").asLong(0);
            }
            return left;
        }

        private static String lines(JsonNode health) {
            StringBuilder lines = new StringBuilder();
            lines.append("health ").append(text(health, "status")).append('\n');
            for (JsonNode item : health.path("items")) {
                lines.append(
                        "%-5s %s: %s\n"
                                .formatted(
                                        text(item, "level"),
                                        text(item, "code"),
                                        text(item, "message")));
            }
            return lines.toString();
        }
    }

    @Command(
            name = "map",
            description =
                    "Nodes, disks and how placement groups lie on them; with --json the whole map.")
    static final class ShowMap extends AdminCommand {
        @Mixin JsonOption json = new JsonOption();

        @Override
        int run(AdminClient client) {
            JsonNode map = client.get("/v1/map");
            if (json.print(map)) {
                return 0;
            }
            System.out.println("revision " + text(map, "revision"));
            Table table = new Table("DOMAIN", "NODE", "DISK", "STATE", "WEIGHT", "PGS", "IN SYNC");
            for (JsonNode disk : map.path("disks")) {
                table.row(
                        text(disk, "domain"),
                        text(disk, "node"),
                        text(disk, "id"),
                        text(disk, "state"),
                        bytes(disk, "weight"),
                        text(disk, "pgs"),
                        text(disk, "pgsInSync"));
            }
            table.print(System.out);
            return 0;
        }
    }
}
