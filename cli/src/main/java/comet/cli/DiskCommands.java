package comet.cli;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;

@Command(
        name = "disk",
        description = "Disks of storage nodes.",
        subcommands = {
            DiskCommands.ListDisks.class,
            DiskCommands.Add.class,
            DiskCommands.Scrub.class
        })
final class DiskCommands extends AdminCommand.Group {

    @Command(name = "list", description = "All disks.")
    static final class ListDisks extends AdminCommand.Listing {
        @Override
        JsonNode fetch(AdminClient client) {
            return client.get("/v1/disks");
        }

        @Override
        Table table(JsonNode answer) {
            Table table =
                    new Table(
                            "ID",
                            "NODE",
                            "DOMAIN",
                            "STATE",
                            "ALIVE",
                            "WEIGHT",
                            "PGS",
                            "USED",
                            "CAPACITY",
                            "FULL",
                            "SCRUBBED",
                            "PATH");
            for (JsonNode disk : answer.path("disks")) {
                table.row(
                        text(disk, "id"),
                        text(disk, "node"),
                        text(disk, "domain"),
                        text(disk, "state"),
                        disk.path("alive").asBoolean() ? "yes" : "no",
                        bytes(disk, "weight"),
                        text(disk, "pgs"),
                        bytes(disk, "usedBytes"),
                        bytes(disk, "capacityBytes"),
                        share(disk),
                        ScrubText.lap(disk.path("scrub"), System.currentTimeMillis()),
                        text(disk, "path"));
            }
            return table;
        }
    }

    /// The share in use, with the level where that is worth a look.
    static String share(JsonNode use) {
        long capacity = use.path("capacityBytes").asLong(0);
        if (!use.path("usedBytes").isNumber()) {
            return "";
        }
        long percent = capacity == 0 ? 100 : use.path("usedBytes").asLong() * 100 / capacity;
        String level = AdminCommand.text(use, "level");
        return percent + "%" + (level.isEmpty() || level.equals("ok") ? "" : " " + level);
    }

    @Command(
            name = "add",
            description = "Give a running node one more disk: an empty folder on ext4 or XFS.")
    static final class Add extends AdminCommand {
        @Parameters(index = "0", paramLabel = "NODE", description = "The node's name.")
        String node = "";

        @Parameters(index = "1", paramLabel = "DIR", description = "The folder, on that node.")
        Path folder = Path.of("");

        @Option(
                names = "--weight",
                paramLabel = "SIZE",
                description = "Its share of placement. Default: the device's capacity.")
        @Nullable String weight;

        @Option(names = "--domain", description = "Its failure domain, where it is not the node's.")
        @Nullable String domain;

        @Override
        int run(AdminClient client) {
            Map<String, Object> body = new LinkedHashMap<>();
            body.put("path", folder.toAbsolutePath().normalize().toString());
            if (weight != null) {
                body.put("weightBytes", size(weight));
            }
            if (domain != null) {
                body.put("domain", domain);
            }
            JsonNode disk = client.post("/v1/nodes/" + escape(node) + "/disks", body);
            System.out.println("added disk " + text(disk, "id") + " to node " + node);
            return 0;
        }
    }

    @Command(
            name = "scrub",
            description =
                    "Have a disk begin at once to read and compare all it holds, at the set rate.")
    static final class Scrub extends AdminCommand {
        @Parameters(paramLabel = "DISK", description = "The disk's number; see `comet disk list`.")
        int disk;

        @Override
        int run(AdminClient client) {
            client.post("/v1/disks/" + disk + "/scrub", Map.of());
            System.out.printf(
                    "disk %d begins; `%s disk list` will show what it found%n",
                    disk, Launcher.word());
            return 0;
        }
    }
}
