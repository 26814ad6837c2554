package comet.cli;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;

/// What only helps by force. Without `--accept-data-loss` it is only told what would be lost.
final class ForceCommands {
    /// Those that follow are counted.
    private static final int VOLUMES_SHOWN = 20;

    private ForceCommands() {}

    @Command(
            name = "force-available",
            description = {
                "Have a placement group go on whose last copy in sync is gone for good: from an old"
                        + " copy, or with --empty from nothing. Acknowledged writes are lost.",
                "Without --accept-data-loss: say what would be lost, and do nothing (exit status 1)."
            })
    static final class Pg extends AdminCommand {
        @ArgGroup(multiplicity = "1")
        Which which = new Which();

        /// One placement group, or all that wait for a disk.
        static final class Which {
            @Parameters(paramLabel = "N", description = "Its number.")
            @Nullable Integer pg;

            @Option(
                    names = "--disk",
                    paramLabel = "N",
                    description =
                            "All that this disk has a part in and that no copy in sync of lives.")
            @Nullable Integer disk;
        }

        @Option(
                names = "--accept-data-loss",
                description = "Do it: what only the lost copies had is lost for ever.")
        boolean accept;

        @Option(
                names = "--empty",
                description =
                        "Where not even an old copy lives: begin anew with nothing. Chunks that"
                                + " were there read as if they had never been written.")
        boolean empty;

        @Override
        int run(AdminClient client) {
            List<Integer> pgs = new ArrayList<>();
            Integer disk = which.disk;
            String refusal =
                    disk == null
                            ? one(client, which.pg == null ? 0 : which.pg, pgs)
                            : all(client, disk, pgs);
            if (pgs.isEmpty()) {
                return 0;
            }
            if (!refusal.isEmpty() || !accept) {
                System.err.println(
                        "comet: "
                                + (refusal.isEmpty()
                                        ? "nothing was done: with --accept-data-loss this happens"
                                        : refusal));
                return 1;
            }
            client.post(
                    "/v1/force-available",
                    Map.of("pgs", pgs, "empty", empty, "acceptDataLoss", true));
            System.out.println(pgs.size() + " placement groups go on; data may be lost");
            System.out.println(
                    "next: a volume that is attached still waits for what was given up: `comet"
                            + " volume detach NAME --force`, then open it again and check it");
            return 0;
        }

        /// @return why nothing is to be done; empty where something is
        private String one(AdminClient client, int pg, List<Integer> pgs) {
            JsonNode plan = client.get("/v1/pgs/" + pg + "/loss");
            pgs.add(pg);
            if (!plan.path("needed").asBoolean()) {
                return "a copy in sync lives: nothing need be given up";
            }
            tell(plan);
            volumes(plan);
            return emptyHelps(plan.path("goesOnFrom").asInt() == 0);
        }

        private String all(AdminClient client, int disk, List<Integer> pgs) {
            JsonNode stuck = client.get("/v1/disks/" + disk + "/stuck");
            stuck.path("pgs").forEach(pg -> pgs.add(pg.asInt()));
            System.out.println(pgs.size() + " placement groups of disk " + disk + " wait");
            if (pgs.isEmpty()) {
                return "";
            }
            // Their disks are few: one tells of the others.
            tell(client.get("/v1/pgs/" + pgs.getFirst() + "/loss"));
            System.out.println("… and likewise for the others. In all of them together:");
            volumes(stuck);
            int nothing = stuck.path("withoutCopy").size();
            if (nothing > 0) {
                System.out.printf(
                        "%d of them have no copy that lives, not even an old one: --empty has them"
                                + " begin anew with nothing%n",
                        nothing);
            }
            return emptyHelps(nothing > 0);
        }

        private String emptyHelps(boolean nothingLives) {
            return empty && !nothingLives
                    ? "nothing was done: an old copy lives, from which it goes on; --empty is for"
                            + " where none does"
                    : "";
        }

        private void tell(JsonNode plan) {
            System.out.println("placement group " + text(plan, "pg"));
            for (JsonNode copy : plan.path("copies")) {
                boolean inSync = text(copy, "state").equals("in-sync");
                long at = copy.path("leftBehindAtMs").asLong();
                System.out.printf(
                        "  disk %s on %s in %s: %s, %s%s%n",
                        text(copy, "disk"),
                        text(copy, "node"),
                        text(copy, "domain"),
                        inSync
                                ? "holds everything, the last copy in sync"
                                : "an old copy (" + text(copy, "state") + ")",
                        copy.path("aliveNow").asBoolean() ? "alive" : "away",
                        at == 0
                                ? ""
                                : ", others went on without it at " + Instant.ofEpochMilli(at));
            }
            int from = plan.path("goesOnFrom").asInt();
            System.out.println(
                    from == 0
                            ? "lost: everything in it; no disk with a copy lives"
                            : "lost: all writes to it that disk "
                                    + from
                                    + " has missed; nobody can tell which they are");
        }

        private static void volumes(JsonNode plan) {
            int shown = 0;
            for (JsonNode volume : plan.path("volumes")) {
                if (shown++ == VOLUMES_SHOWN) {
                    System.out.printf(
                            "  and %d more volumes%n", plan.path("volumes").size() - VOLUMES_SHOWN);
                    return;
                }
                long chunks = volume.path("chunks").asLong();
                System.out.printf(
                        "  volume %s: %s of its %s chunks of 4 MiB%n",
                        text(volume, "name"),
                        chunks < 0 ? "some" : "at most " + chunks,
                        text(volume, "of"));
            }
        }
    }

    @Command(
            name = "force-available",
            description = {
                "Have a disk start that waits for another copy since durable records of its own"
                        + " journal are damaged. Acknowledged writes may be lost.",
                "Without --accept-data-loss: say so, and do nothing (exit status 1)."
            })
    static final class Disk extends AdminCommand {
        @Parameters(paramLabel = "N", description = "Its number.")
        int disk;

        @Option(
                names = "--accept-data-loss",
                description = "Do it: what its damaged records held is lost for ever.")
        boolean accept;

        @Override
        int run(AdminClient client) {
            int groups = client.get("/v1/disks/" + disk + "/stuck").path("pgs").size();
            System.out.printf(
                    "%d placement groups of disk %d have no copy in sync that lives.%n"
                            + "lost: acknowledged writes to them in the damaged records of its"
                            + " journal; nobody can tell which they are%n",
                    groups, disk);
            if (!accept) {
                System.err.println("comet: nothing was done: with --accept-data-loss it may start");
                return 1;
            }
            client.post("/v1/disks/" + disk + "/force-available", Map.of("acceptDataLoss", true));
            System.out.println("disk " + disk + " may start");
            return 0;
        }
    }
}
