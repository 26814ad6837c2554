package comet.cli;

import java.util.StringJoiner;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;

@Command(
        name = "pg",
        description = "Placement groups.",
        subcommands = {PgCommands.ListPgs.class, PgCommands.ShowPg.class})
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

        @Option(names = "--json", description = "Print JSON.")
        boolean json;

        @Override
        int run(AdminClient client) {
            JsonNode answer = client.get("/v1/pgs/" + pg);
            if (json) {
                printJson(answer);
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
            return 0;
        }
    }
}
