package comet.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;

@Command(
        name = "node",
        description = {
            "Storage nodes. The process itself: comet node --config FILE.",
        },
        subcommands = {
            NodeCommands.ListNodes.class,
            NodeCommands.Join.class,
            NodeCommands.Drain.class,
            NodeCommands.Undrain.class,
            NodeCommands.Remove.class,
            NodeCommands.Maintenance.class
        })
final class NodeCommands extends AdminCommand.Group {
    @Mixin ProcessCommands.ProcessOptions process = new ProcessCommands.ProcessOptions();

    @Command(name = "list", description = "All nodes.")
    static final class ListNodes extends AdminCommand.Listing {
        @Override
        JsonNode fetch(AdminClient client) {
            return client.get("/v1/nodes");
        }

        @Override
        Table table(JsonNode answer) {
            Table table =
                    new Table(
                            "ID",
                            "NAME",
                            "DOMAIN",
                            "STATE",
                            "ALIVE",
                            "DISKS",
                            "USED",
                            "CAPACITY",
                            "FULL",
                            "ADDRESSES");
            for (JsonNode node : answer.path("nodes")) {
                List<String> addresses = new ArrayList<>();
                node.path("addresses").forEach(address -> addresses.add(address.asString()));
                table.row(
                        text(node, "id"),
                        text(node, "name"),
                        text(node, "domain"),
                        state(node),
                        node.path("alive").asBoolean() ? "yes" : "no",
                        text(node, "disks"),
                        bytes(node, "usedBytes"),
                        bytes(node, "capacityBytes"),
                        DiskCommands.share(node),
                        String.join(" ", addresses));
            }
            return table;
        }

        private static String state(JsonNode node) {
            boolean maintained = node.path("maintenanceUntilMs").isNumber();
            return text(node, "state") + (maintained ? ", maintenance" : "");
        }
    }

    @Command(
            name = "join",
            description = {
                "Write the config of a new node; it joins when it is first started.",
                "The metadata group's addresses come from the cluster that --admin or --data names."
            })
    static final class Join extends AdminCommand {
        @Option(names = "--name", required = true, description = "The node's name, unique.")
        String name = "";

        @Option(
                names = "--domain",
                required = true,
                description = "Its failure domain: rack, room. No two copies share one.")
        String domain = "";

        @Option(
                names = "--folder",
                required = true,
                paramLabel = "DIR",
                description = "Where its config and identity go; made where it does not exist.")
        Path folder = Path.of("");

        @Option(
                names = "--disk",
                required = true,
                paramLabel = "DIR",
                description = "A folder on the device to use, on ext4 or XFS. May be repeated.")
        List<Path> disks = new ArrayList<>();

        @Option(
                names = "--listen",
                paramLabel = "HOST:PORT",
                description = "Where it serves gateways and other nodes. Default: 127.0.0.1:7491.")
        String listen = "127.0.0.1:7491";

        @Option(
                names = "--insecure",
                description = "Allow --listen beyond loopback although nothing is encrypted yet.")
        boolean insecure;

        @Option(
                names = "--group",
                split = ",",
                paramLabel = "HOST:PORT",
                description = "The metadata group's members, instead of asking the cluster.")
        @Nullable List<String> group;

        @Override
        int run(AdminClient client) {
            List<String> members = group;
            if (members == null) {
                members = new ArrayList<>();
                for (JsonNode member : client.get("/v1/cluster").path("group")) {
                    members.add(member.asString());
                }
            }
            Path config =
                    NodeConfigFile.write(name, domain, folder, disks, listen, insecure, members);
            System.out.println("wrote " + config);
            System.out.printf("start it with: %s node --config %s%n", Launcher.word(), config);
            return 0;
        }
    }

    @Command(
            name = "drain",
            description = {
                "Move everything away from a node's disks, to other disks of its domain or other",
                "domains. It goes on serving meanwhile; copies are never fewer than before.",
                "With --wait: until they are empty."
            })
    static final class Drain extends AdminCommand {
        @Parameters(paramLabel = "NODE", description = "The node's name.")
        String node = "";

        @Mixin WaitOptions wait = new WaitOptions();

        @Override
        int run(AdminClient client) {
            Deadline end = wait.deadline(this);
            client.post("/v1/nodes/" + escape(node) + "/drain", Map.of());
            System.out.println("draining node " + node);
            if (wait.wanted) {
                if (!Emptying.await(
                        client,
                        "node " + node,
                        disk -> text(disk, "node").equals(node),
                        false,
                        end)) {
                    return 1;
                }
                System.out.println("node " + node + " is empty");
            }
            return 0;
        }
    }

    @Command(name = "undrain", description = "Take a drain back: its share moves to it again.")
    static final class Undrain extends AdminCommand {
        @Parameters(paramLabel = "NODE", description = "The node's name.")
        String node = "";

        @Override
        int run(AdminClient client) {
            client.post("/v1/nodes/" + escape(node) + "/undrain", Map.of());
            System.out.println("node " + node + " takes its share again");
            return 0;
        }
    }

    @Command(
            name = "remove",
            description = "Forget a node and its disks, for ever. It must have been drained.")
    static final class Remove extends AdminCommand {
        @Parameters(paramLabel = "NODE", description = "The node's name.")
        String node = "";

        @Override
        int run(AdminClient client) {
            client.post("/v1/nodes/" + escape(node) + "/remove", Map.of());
            System.out.println("removed node " + node + "; its process can be stopped");
            return 0;
        }
    }

    @Command(
            name = "maintenance",
            description = {
                "Say that a node will be away and come back: nothing is rebuilt meanwhile.",
                "Its volumes go on with one copy less, and catch up when it is back."
            })
    static final class Maintenance extends AdminCommand {
        @Parameters(index = "0", paramLabel = "NODE", description = "The node's name.")
        String node = "";

        @Parameters(index = "1", paramLabel = "on|off", description = "Begin or end it.")
        String what = "";

        @Option(
                names = "--for",
                paramLabel = "TIME",
                description = "End it by itself, as in 90s, 30m or 4h. Default: never.")
        @Nullable String time;

        @Override
        int run(AdminClient client) {
            if (!what.equals("on") && !what.equals("off")) {
                throw usage("maintenance is `on` or `off`, not `" + what + "`");
            }
            Map<String, Object> body = new LinkedHashMap<>();
            body.put("on", what.equals("on"));
            if (time != null) {
                body.put("seconds", seconds(time));
            }
            client.post("/v1/nodes/" + escape(node) + "/maintenance", body);
            System.out.println("maintenance of node " + node + " is " + what);
            return 0;
        }
    }
}
