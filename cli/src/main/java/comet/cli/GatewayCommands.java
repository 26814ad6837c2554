package comet.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import tools.jackson.databind.JsonNode;

@Command(
        name = "gateway",
        description = "Gateways. The process itself: comet gateway --config FILE.",
        subcommands = {GatewayCommands.ListGateways.class})
final class GatewayCommands extends AdminCommand.Group {
    @CommandLine.Mixin
    ProcessCommands.ProcessOptions process = new ProcessCommands.ProcessOptions();

    @Command(name = "list", description = "All gateways.")
    static final class ListGateways extends AdminCommand.Listing {
        @Override
        JsonNode fetch(AdminClient client) {
            return client.get("/v1/gateways");
        }

        @Override
        Table table(JsonNode answer) {
            Table table = new Table("ID", "NAME", "HOST", "ALIVE", "VOLUMES");
            for (JsonNode gateway : answer.path("gateways")) {
                table.row(
                        text(gateway, "id"),
                        text(gateway, "name"),
                        text(gateway, "host"),
                        gateway.path("alive").asBoolean() ? "yes" : "no",
                        text(gateway, "volumes"));
            }
            return table;
        }
    }
}
