package comet.cli;

import java.time.Instant;
import java.util.Map;
import java.util.StringJoiner;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;

@Command(
        name = "pg",
        description = "Placement groups.",
        subcommands = {
            PgCommands.ListPgs.class,
            PgCommands.ShowPg.class,
            PgCommands.Repair.class,
            ForceCommands.Pg.class
        })
final class PgCommands extends AdminCommand.Group {
    static String members(JsonNode pg) {
        StringJoiner members = new StringJoiner(" ");
        for (JsonNode member : pg.path("members")) {
            members.add(
                    AdminCommand.text(member, "disk") + ":" + AdminCommand.text(member, "state"));
        }
        return members.toString();
    }

    @Command(name = "list", description = "All placement groups, or those that are not well.")
    static final class ListPgs extends AdminCommand.Listing {
        @Option(
                names = "--not-well",
                description = "Only those with a member that is recovering, stale or away.")
        boolean notWell;

        @Override
        JsonNode fetch(AdminClient client) {
            return client.get("/v1/pgs" + (notWell ? "?notWell=true" : ""));
        }

        @Override
        Table table(JsonNode answer) {
            Table table = new Table("PG", "EPOCH", "STATE", "MEMBERS");
            for (JsonNode pg : answer.path("pgs")) {
                table.row(text(pg, "pg"), text(pg, "epoch"), text(pg, "state"), members(pg));
            }
            return table;
        }
    }

    @Command(name = "info", description = "One placement group.")
    static final class ShowPg extends AdminCommand {
        @Parameters(paramLabel = "N", description = "Its number.")
        int pg;

        @Mixin JsonOption json = new JsonOption();

        @Override
        int run(AdminClient client) {
            JsonNode answer = client.get("/v1/pgs/" + pg);
            if (json.print(answer)) {
                return 0;
            }
            System.out.println("pg       " + text(answer, "pg"));
            System.out.println("epoch    " + text(answer, "epoch"));
            System.out.println("state    " + text(answer, "state"));
            Table table = new Table("DISK", "NODE", "DOMAIN", "STATE", "BOOT", "ALIVE");
            for (JsonNode member : answer.path("members")) {
                table.row(
                        text(member, "disk"),
                        text(member, "node"),
                        text(member, "domain"),
                        text(member, "state"),
                        text(member, "boot"),
                        member.path("alive").asBoolean() ? "yes" : "no");
            }
            table.print(System.out);
            JsonNode repair = answer.path("repair");
            if (repair.isObject()) {
                System.out.printf(
                        "%nrepair   %s, asked for at %s%n",
                        text(repair, "id"),
                        Instant.ofEpochMilli(repair.path("askedAtMs").asLong()));
                ScrubText.members(repair).print(System.out);
            }
            return 0;
        }
    }

    @Command(
            name = "repair",
            description = {
                "Have all members of a placement group read all they hold of it now, compare it with"
                        + " each other, and repair what is bad or differs.",
                "With --wait its outcome is printed, and the exit status is 0 where nothing bad is left, else"
                        + " 1."
            })
    static final class Repair extends AdminCommand {
        @Parameters(paramLabel = "N", description = "Its number.")
        int pg;

        @Mixin WaitOptions wait = new WaitOptions();

        @Mixin JsonOption json = new JsonOption();

        @Override
        int run(AdminClient client) {
            Deadline end = wait.deadline(this);
            JsonNode asked = client.post("/v1/pgs/" + pg + "/repair", Map.of());
            if (!wait.wanted) {
                if (!json.print(asked)) {
                    System.out.printf(
                            "the members of placement group %d begin; see `%s pg info %d`%n",
                            pg, Launcher.word(), pg);
                }
                return 0;
            }
            return await(client, asked.path("id").asLong(), end);
        }

        private int await(AdminClient client, long id, Deadline end) {
            while (true) {
                JsonNode repair = client.get("/v1/pgs/" + pg).path("repair");
                boolean done = repair.path("id").asLong() >= id && repair.path("done").asBoolean();
                boolean late = !done && end.over();
                if (done || late) {
                    if (!json.print(repair)) {
                        ScrubText.members(repair).print(System.out);
                    }
                    return done && !repair.path("bad").asBoolean() ? 0 : 1;
                }
                WaitOptions.pause(250);
            }
        }
    }
}
