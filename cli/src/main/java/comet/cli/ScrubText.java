package comet.cli;

import java.time.Duration;
import tools.jackson.databind.JsonNode;

/// What scrubs have found, in words.
final class ScrubText {
    private ScrubText() {}

    /// In a listing of disks: when the last lap ended, and what is to be known of it.
    static String lap(JsonNode scrub, long nowMs) {
        if (!scrub.isObject()) {
            return "";
        }
        long sinceMs = Math.max(0, nowMs - scrub.path("endedAtMs").asLong());
        return age(Duration.ofMillis(sinceMs)) + " ago" + findings(scrub);
    }

    private static String findings(JsonNode scrub) {
        StringBuilder text = new StringBuilder();
        long left = scrub.path("errors").asLong() - scrub.path("repaired").asLong();
        add(text, scrub.path("repaired").asLong(), "blocks repaired");
        add(text, left, "BLOCKS BAD");
        add(text, scrub.path("levelled").asLong(), "chunks levelled");
        add(
                text,
                scrub.path("differences").asLong() - scrub.path("levelled").asLong(),
                "CHUNKS DIFFER");
        add(text, scrub.path("conflicts").asLong(), "CONFLICTS");
        return text.toString();
    }

    private static void add(StringBuilder text, long count, String what) {
        if (count > 0) {
            text.append(", ").append(count).append(' ').append(what);
        }
    }

    private static String age(Duration age) {
        if (age.toDays() > 1) {
            return age.toDays() + " days";
        }
        if (age.toHours() > 1) {
            return age.toHours() + " hours";
        }
        return age.toMinutes() > 1 ? age.toMinutes() + " minutes" : age.toSeconds() + " seconds";
    }

    /// What the members of a placement group have found.
    static Table members(JsonNode repair) {
        Table table =
                new Table(
                        "DISK",
                        "NODE",
                        "CHUNKS",
                        "READ",
                        "ERRORS",
                        "REPAIRED",
                        "DIFFERENCES",
                        "LEVELLED",
                        "CONFLICTS",
                        "NOT COMPARED");
        for (JsonNode member : repair.path("members")) {
            JsonNode result = member.path("result");
            boolean done = result.isObject();
            table.row(
                    AdminCommand.text(member, "disk"),
                    AdminCommand.text(member, "node"),
                    done ? AdminCommand.text(result, "chunks") : "not yet",
                    AdminCommand.bytes(result, "bytes"),
                    AdminCommand.text(result, "errors"),
                    AdminCommand.text(result, "repaired"),
                    AdminCommand.text(result, "differences"),
                    AdminCommand.text(result, "levelled"),
                    AdminCommand.text(result, "conflicts"),
                    AdminCommand.text(result, "uncompared"));
        }
        return table;
    }
}
