package comet.cli;

import java.time.Instant;
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
        name = "volume",
        description = "Volumes: the disks of virtual machines.",
        subcommands = {
            VolumeCommands.Create.class,
            VolumeCommands.ListVolumes.class,
            VolumeCommands.ShowVolume.class,
            VolumeCommands.Change.class,
            VolumeCommands.Resize.class,
            VolumeCommands.Rename.class,
            VolumeCommands.Delete.class,
            VolumeCommands.Restore.class,
            VolumeCommands.Purge.class,
            VolumeCommands.Attach.class,
            DetachCommand.class,
            VolumeCommands.Migrate.class
        })
final class VolumeCommands extends AdminCommand.Group {
    /// A command about one volume.
    abstract static class OnVolume extends AdminCommand {
        @Parameters(index = "0", paramLabel = "NAME", description = "The volume's name.")
        String name = "";

        String path(String verb) {
            return "/v1/volumes/" + escape(name) + (verb.isEmpty() ? "" : "/" + verb);
        }
    }

    @Command(name = "create", description = "Create a volume.")
    static final class Create extends OnVolume {
        @Option(
                names = "--size",
                required = true,
                paramLabel = "SIZE",
                description = "A multiple of 4 KiB, up to 64T.")
        String size = "";

        @Option(
                names = "--durability",
                paramLabel = "flush|write",
                description =
                        "When a write is durable: with the guest's next flush, or before its answer."
                                + " Default: flush.")
        String durability = "flush";

        @Mixin LimitOptions limits = new LimitOptions();

        @Override
        int run(AdminClient client) {
            Map<String, Object> body = new LinkedHashMap<>();
            body.put("name", name);
            body.put("sizeBytes", size(size));
            body.put("durability", durability);
            limits.put(this, body);
            JsonNode volume = client.post("/v1/volumes", body);
            System.out.printf(
                    "created volume %s of %s%n",
                    name, Size.text(volume.path("sizeBytes").asLong()));
            return 0;
        }
    }

    /// What a volume may be asked for in a second.
    static final class LimitOptions {
        @Option(
                names = "--iops",
                paramLabel = "N",
                description = "Reads, writes, zeroes and trims a second, at most; 0: no limit.")
        @Nullable Long iops;

        @Option(
                names = "--bandwidth",
                paramLabel = "SIZE",
                description = "Bytes read and written a second, at most, like 100M; 0: no limit.")
        @Nullable String bandwidth;

        @Option(
                names = "--burst-seconds",
                paramLabel = "N",
                description =
                        "How many seconds' worth of what it did not use a volume may use at once."
                                + " Default: 0.")
        @Nullable Integer burstSeconds;

        void put(AdminCommand command, Map<String, Object> body) {
            if (iops != null) {
                body.put("iops", iops);
            }
            if (bandwidth != null) {
                body.put("bytesPerSecond", command.size(bandwidth));
            }
            if (burstSeconds != null) {
                body.put("burstSeconds", burstSeconds);
            }
        }
    }

    @Command(name = "set", description = "Limit a volume from now on, also while it is used.")
    static final class Change extends OnVolume {
        @Mixin LimitOptions limits = new LimitOptions();

        @Override
        int run(AdminClient client) {
            Map<String, Object> body = new LinkedHashMap<>();
            limits.put(this, body);
            if (body.isEmpty()) {
                throw usage("Set what? See --iops, --bandwidth and --burst-seconds.");
            }
            JsonNode volume = client.post(path("limits"), body);
            System.out.printf("volume %s: %s%n", name, limits(volume));
            return 0;
        }
    }

    /// `500 requests/s, 100 MiB/s, bursts of 10 s`, or `none`.
    static String limits(JsonNode volume) {
        JsonNode limits = volume.path("limits");
        List<String> words = new ArrayList<>();
        if (limits.path("iops").asLong() > 0) {
            words.add(AdminCommand.text(limits, "iops") + " requests/s");
        }
        if (limits.path("bytesPerSecond").asLong() > 0) {
            words.add(AdminCommand.bytes(limits, "bytesPerSecond") + "/s");
        }
        if (limits.path("burstSeconds").asLong() > 0) {
            words.add("bursts of " + AdminCommand.text(limits, "burstSeconds") + " s");
        }
        return words.isEmpty() ? "no limits" : String.join(", ", words);
    }

    @Command(name = "list", description = "All volumes, deleted ones in their grace period too.")
    static final class ListVolumes extends AdminCommand.Listing {
        @Override
        JsonNode fetch(AdminClient client) {
            return client.get("/v1/volumes");
        }

        @Override
        Table table(JsonNode answer) {
            Table table = new Table("NAME", "SIZE", "DURABILITY", "STATE", "GATEWAY", "ID");
            for (JsonNode volume : answer.path("volumes")) {
                table.row(
                        text(volume, "name"),
                        bytes(volume, "sizeBytes"),
                        text(volume, "durability"),
                        text(volume, "state"),
                        text(volume, "gateway"),
                        text(volume, "id"));
            }
            return table;
        }
    }

    @Command(name = "info", description = "One volume.")
    static final class ShowVolume extends OnVolume {
        @Mixin JsonOption json = new JsonOption();

        @Override
        int run(AdminClient client) {
            JsonNode volume = client.get(path(""));
            if (json.print(volume)) {
                return 0;
            }
            for (String field : new String[] {"name", "id"}) {
                System.out.printf("%-12s %s%n", field, text(volume, field));
            }
            System.out.printf("%-12s %s%n", "size", bytes(volume, "sizeBytes"));
            for (String field : new String[] {"durability", "state", "gateway", "term"}) {
                if (!text(volume, field).isEmpty()) {
                    System.out.printf("%-12s %s%n", field, text(volume, field));
                }
            }
            System.out.printf("%-12s %s%n", "limits", limits(volume));
            if (volume.path("throttledRequests").asLong() > 0) {
                System.out.printf(
                        "%-12s %s requests, %.1f s%n",
                        "throttled",
                        text(volume, "throttledRequests"),
                        volume.path("throttledMs").asLong() / 1000.0);
            }
            time("created", volume.path("createdAtMs").asLong());
            time("deleted", volume.path("deletedAtMs").asLong());
            time("purged", volume.path("purgeAtMs").asLong());
            if (volume.path("uris").isEmpty() && !text(volume, "gateway").isEmpty()) {
                System.out.printf(
                        "%-12s on the host of gateway %s only%n", "nbd", text(volume, "gateway"));
            }
            for (JsonNode uri : volume.path("uris")) {
                System.out.printf("%-12s %s%n", "nbd", uri.asString());
            }
            return 0;
        }

        private static void time(String word, long ms) {
            if (ms > 0) {
                System.out.printf("%-12s %s%n", word, Instant.ofEpochMilli(ms));
            }
        }
    }

    @Command(name = "resize", description = "Grow a volume.")
    static final class Resize extends OnVolume {
        @Parameters(index = "1", paramLabel = "SIZE", description = "Its new size.")
        String size = "";

        @Override
        int run(AdminClient client) {
            client.post(path("resize"), Map.of("sizeBytes", size(size)));
            System.out.printf("volume %s has %s%n", name, Size.text(size(size)));
            return 0;
        }
    }

    @Command(name = "rename", description = "Rename a volume.")
    static final class Rename extends OnVolume {
        @Parameters(index = "1", paramLabel = "NEW", description = "Its new name.")
        String to = "";

        @Override
        int run(AdminClient client) {
            client.post(path("rename"), Map.of("name", to));
            System.out.printf("volume %s is now %s%n", name, to);
            return 0;
        }
    }

    @Command(
            name = "delete",
            description = "Delete a volume; it can be restored for a grace period.")
    static final class Delete extends OnVolume {
        @Override
        int run(AdminClient client) {
            client.delete(path(""));
            System.out.printf("deleted volume %s; `comet volume restore` brings it back%n", name);
            return 0;
        }
    }

    @Command(name = "restore", description = "Bring a deleted volume back.")
    static final class Restore extends OnVolume {
        @Override
        int run(AdminClient client) {
            client.post(path("restore"), Map.of());
            System.out.printf("restored volume %s%n", name);
            return 0;
        }
    }

    @Command(name = "purge", description = "Free the space of a deleted volume, for ever.")
    static final class Purge extends OnVolume {
        @Override
        int run(AdminClient client) {
            client.post(path("purge"), Map.of());
            System.out.printf("purged volume %s%n", name);
            return 0;
        }
    }

    @Command(
            name = "attach",
            description =
                    "Attach a volume to a gateway and keep it attached, also without clients.")
    static final class Attach extends OnVolume {
        @Option(
                names = "--gateway",
                paramLabel = "G",
                description = "The gateway's name. Default: the one that answers.")
        @Nullable String gateway;

        @Option(
                names = "--takeover",
                description =
                        "Take it from the gateway that holds it. What that one has not flushed may be"
                                + " lost.")
        boolean takeover;

        @Override
        int run(AdminClient client) {
            Map<String, Object> body = new LinkedHashMap<>();
            if (gateway != null) {
                body.put("gateway", gateway);
            }
            body.put("takeover", takeover);
            JsonNode volume = client.post(path("attach"), body);
            System.out.printf("attached volume %s, term %s%n", name, text(volume, "term"));
            return 0;
        }
    }

    @Command(
            name = "migrate",
            description = "Mark a volume: the first write through another gateway takes it over.")
    static final class Migrate extends OnVolume {
        @Option(
                names = "--to",
                required = true,
                paramLabel = "G",
                description = "The gateway's name; `none` takes the mark back.")
        String to = "";

        @Override
        int run(AdminClient client) {
            client.post(path("migrate"), Map.of("gateway", to));
            System.out.printf("volume %s may be taken over by %s%n", name, to);
            return 0;
        }
    }
}
