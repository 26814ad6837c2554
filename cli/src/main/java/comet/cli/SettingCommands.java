package comet.cli;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;

/// Settings of the cluster, under `comet cluster`.
final class SettingCommands {
    private SettingCommands() {}

    @Command(name = "settings", description = "What can be set for the whole cluster, and what is.")
    static final class ListSettings extends AdminCommand.Listing {
        @Override
        JsonNode fetch(AdminClient client) {
            return client.get("/v1/settings");
        }

        @Override
        Table table(JsonNode answer) {
            Table table = new Table("KEY", "VALUE", "DEFAULT", "MEANING");
            for (JsonNode setting : answer.path("settings")) {
                table.row(
                        text(setting, "key"),
                        text(setting, "value"),
                        text(setting, "defaultValue"),
                        text(setting, "meaning"));
            }
            return table;
        }
    }

    @Command(
            name = "set",
            description =
                    "Change settings of the cluster while it serves. `comet cluster settings` lists"
                            + " them.")
    static final class Change extends AdminCommand {
        @Parameters(
                arity = "1..*",
                paramLabel = "KEY=VALUE",
                description = "The new value; KEY= alone: back to the default.")
        List<String> changes = new ArrayList<>();

        @Override
        int run(AdminClient client) {
            Map<String, String> settings = new LinkedHashMap<>();
            for (String change : changes) {
                int equals = change.indexOf('=');
                if (equals < 1) {
                    throw usage("`%s` is not KEY=VALUE".formatted(change));
                }
                settings.put(change.substring(0, equals), change.substring(equals + 1));
            }
            JsonNode answer = client.post("/v1/settings", Map.of("settings", settings));
            for (JsonNode setting : answer.path("settings")) {
                if (settings.containsKey(text(setting, "key"))) {
                    System.out.printf("%s %s%n", text(setting, "key"), text(setting, "value"));
                }
            }
            return 0;
        }
    }
}
