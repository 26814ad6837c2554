package comet.cli;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;

@Command(
        name = "disk",
        description = "Disks of storage nodes.",
        subcommands = {
            DiskCommands.ListDisks.class,
            DiskCommands.Add.class,
            DiskCommands.Scrub.class,
            DiskCommands.SetWeight.class,
            DiskCommands.Remove.class,
            DiskCommands.Replace.class,
            ForceCommands.Disk.class
        })
final class DiskCommands extends AdminCommand.Group {

    @Command(name = "list", description = "All disks.")
    static final class ListDisks extends AdminCommand.Listing {
        @Option(names = "--all", description = "Those that were removed, too. JSON has them all.")
        boolean all;

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
                if (!all && text(disk, "state").equals("removed")) {
                    continue;
                }
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

    /// Waits until a disk is removed.
    ///
    /// @return the exit status
    private static int removed(AdminClient client, int disk, Deadline end) {
        String id = Integer.toString(disk);
        if (!Emptying.await(
                client,
                "disk " + disk,
                one -> AdminCommand.text(one, "id").equals(id),
                true,
                end)) {
            return 1;
        }
        System.out.println("removed disk " + disk);
        return 0;
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
                description = "Its share of placement, above 0. Default: the device's capacity.")
        @Nullable String weight;

        @Option(names = "--domain", description = "Its failure domain, where it is not the node's.")
        @Nullable String domain;

        @Override
        int run(AdminClient client) {
            Map<String, Object> body = new LinkedHashMap<>();
            body.put("path", folder.toAbsolutePath().normalize().toString());
            if (weight != null) {
                body.put("weightBytes", weight(weight));
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

    @Command(
            name = "set-weight",
            description = "Change a disk's share of placement. What is above it moves away.")
    static final class SetWeight extends AdminCommand {
        @Parameters(index = "0", paramLabel = "DISK", description = "Its id.")
        int disk;

        @Parameters(
                index = "1",
                paramLabel = "WEIGHT",
                description =
                        "A size above 0, like 500G or 2T: disks hold in proportion to theirs, which"
                                + " are their capacities unless set.")
        String weight = "";

        @Override
        int run(AdminClient client) {
            long bytes = weight(weight);
            client.post("/v1/disks/" + disk + "/weight", Map.of("weightBytes", bytes));
            System.out.printf("disk %d has weight %s%n", disk, Size.text(bytes));
            return 0;
        }
    }

    @Command(
            name = "remove",
            description = {
                "Move everything away from a disk, then forget it for ever.",
                "It goes on serving meanwhile; copies are never fewer than before.",
                "With --wait: until it is empty and removed."
            })
    static final class Remove extends AdminCommand {
        @Parameters(paramLabel = "DISK", description = "Its id.")
        int disk;

        @Mixin WaitOptions wait = new WaitOptions();

        @Option(names = "--cancel", description = "Take it back: the disk stays.")
        boolean cancel;

        @Override
        int run(AdminClient client) {
            Deadline end = wait.deadline(this);
            client.post("/v1/disks/" + disk + (cancel ? "/keep" : "/remove"), Map.of());
            if (cancel) {
                System.out.println("disk " + disk + " stays");
                return 0;
            }
            System.out.println("removing disk " + disk);
            return wait.wanted ? removed(client, disk, end) : 0;
        }
    }

    @Command(
            name = "replace",
            description = {
                "Put a new disk in the place of an old one, of the same node.",
                "The new one takes what the old one has; the old one is then removed. With --wait: until then."
            })
    static final class Replace extends AdminCommand {
        @Parameters(index = "0", paramLabel = "DISK", description = "The old disk's id.")
        int disk;

        @Parameters(
                index = "1",
                paramLabel = "DIR",
                description = "The new disk's folder, on the old one's node. Or another disk's id.")
        String by = "";

        @Option(
                names = "--weight",
                paramLabel = "SIZE",
                description = "Its share of placement, above 0. Default: the device's capacity.")
        @Nullable String weight;

        @Mixin WaitOptions wait = new WaitOptions();

        @Override
        int run(AdminClient client) {
            Deadline end = wait.deadline(this);
            String id = Integer.toString(disk);
            int newDisk = by.matches("[0-9]+") ? Integer.parseInt(by) : add(client, id);
            client.post("/v1/disks/" + disk + "/replace", Map.of("by", newDisk));
            System.out.println("disk " + newDisk + " takes the place of disk " + disk);
            return wait.wanted ? removed(client, disk, end) : 0;
        }

        private int add(AdminClient client, String old) {
            for (JsonNode one : client.get("/v1/disks").path("disks")) {
                if (text(one, "id").equals(old)) {
                    Map<String, Object> body = new LinkedHashMap<>();
                    body.put("path", Path.of(by).toAbsolutePath().normalize().toString());
                    body.put("domain", text(one, "domain"));
                    body.put("idle", true);
                    if (weight != null) {
                        body.put("weightBytes", weight(weight));
                    }
                    String node = escape(text(one, "node"));
                    return client.post("/v1/nodes/" + node + "/disks", body).path("id").asInt();
                }
            }
            throw usage("there is no disk " + old + "; see `comet disk list`");
        }
    }
}
