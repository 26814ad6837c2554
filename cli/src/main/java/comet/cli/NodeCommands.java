package comet.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import tools.jackson.databind.JsonNode;

@Command(
        name = "node",
        description = {
            "Storage nodes. The process itself: comet node --config FILE.",
        },
        subcommands = {NodeCommands.ListNodes.class, NodeCommands.Join.class})
final class NodeCommands extends AdminCommand.Group {
    @CommandLine.Mixin
    ProcessCommands.ProcessOptions process = new ProcessCommands.ProcessOptions();

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
                        node.path("alive").asBoolean() ? "yes" : "no",
                        text(node, "disks"),
                        bytes(node, "usedBytes"),
                        bytes(node, "capacityBytes"),
                        DiskCommands.share(node),
                        String.join(" ", addresses));
            }
            return table;
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
}
