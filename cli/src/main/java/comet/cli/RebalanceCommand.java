package comet.cli;

import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;

@Command(
        name = "rebalance",
        description = {
            "Placement groups that move to where they should be: status, pause or resume.",
            "Copies that were lost are made anew also while it is paused."
        })
final class RebalanceCommand extends AdminCommand {
    @Parameters(
            paramLabel = "status|pause|resume",
            arity = "0..1",
            defaultValue = "status",
            description = "Default: status.")
    String what = "status";

    @Mixin JsonOption json = new JsonOption();

    @Override
    int run(AdminClient client) {
        JsonNode moves =
                switch (what) {
                    case "status" -> client.get("/v1/moves");
                    case "pause" -> change(client, false);
                    case "resume" -> change(client, true);
                    default -> throw usage("rebalance knows status, pause and resume");
                };
        if (!json.print(moves)) {
            System.out.println(line(moves));
        }
        return 0;
    }

    private static JsonNode change(AdminClient client, boolean on) {
        Map<String, String> settings = Map.of("rebalance", on ? "on" : "off");
        client.post("/v1/settings", Map.of("settings", settings));
        return client.get("/v1/moves");
    }

    static long left(JsonNode moves) {
        return moves.path("waiting").asLong(0) + moves.path("moving").asLong(0);
    }

    static String line(JsonNode moves) {
        String paused = moves.path("paused").asBoolean() ? ", paused" : "";
        if (left(moves) == 0) {
            return "nothing to move" + paused;
        }
        String bytes = bytes(moves, "bytesLeft");
        String time = text(moves, "secondsLeft");
        return "%s to go%s, %s under way, %s done, %s a minute%s%s"
                .formatted(
                        text(moves, "waiting"),
                        bytes.isEmpty() ? "" : " (about " + bytes + ")",
                        text(moves, "moving"),
                        text(moves, "moved"),
                        text(moves, "perMinute"),
                        time.isEmpty() ? "" : ", about " + time + " s left",
                        paused);
    }
}
