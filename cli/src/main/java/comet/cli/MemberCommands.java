package comet.cli;

import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;

/// Who belongs to the metadata group.
final class MemberCommands {
    private MemberCommands() {}

    private static final String NEW =
            "The new member's name and its `control` address. It was started already, with `meta.join` in its config.";

    @Command(name = "members", description = "The members of the metadata group.")
    static final class Members extends AdminCommand.Listing {
        @Override
        JsonNode fetch(AdminClient client) {
            return client.get("/v1/members");
        }

        @Override
        Table table(JsonNode answer) {
            Table table =
                    new Table(
                            "NAME",
                            "ROLE",
                            "ALIVE",
                            "LAST CONTACT",
                            "INDEX",
                            "BEHIND",
                            "DOMAIN",
                            "CONTROL",
                            "RAFT");
            for (JsonNode member : answer.path("members")) {
                table.row(
                        text(member, "name"),
                        text(member, "role"),
                        member.path("alive").asBoolean() ? "yes" : "no",
                        ago(member),
                        text(member, "index"),
                        text(member, "behind"),
                        text(member, "domain"),
                        text(member, "control"),
                        text(member, "raft"));
            }
            return table;
        }

        private static String ago(JsonNode member) {
            JsonNode ms = member.path("agoMs");
            if (!ms.isNumber()) {
                return "never";
            }
            return ms.asLong() < 10_000 ? ms.asLong() + " ms" : ms.asLong() / 1000 + " s";
        }
    }

    @Command(
            name = "add-member",
            description = {
                "Take another member into the metadata group. It gets the group's log first and a vote"
                        + " then; where that fails, nothing has changed."
            })
    static final class Add extends AdminCommand {
        @Parameters(paramLabel = "NAME=HOST:PORT", description = NEW)
        String member = "";

        @Override
        int run(AdminClient client) {
            return add(client, member, null);
        }
    }

    @Command(
            name = "replace-member",
            description = {
                "Put a new member of the metadata group in the place of one that is dead, or to go."
            })
    static final class Replace extends AdminCommand {
        @Parameters(index = "0", paramLabel = "OLD", description = "The name of the one that goes.")
        String old = "";

        @Parameters(index = "1", paramLabel = "NEW=HOST:PORT", description = NEW)
        String member = "";

        @Override
        int run(AdminClient client) {
            return add(client, member, old);
        }
    }

    @Command(
            name = "remove-member",
            description = {
                "Take a member out of the metadata group, for ever: its name is not used again."
            })
    static final class Remove extends AdminCommand {
        @Parameters(paramLabel = "NAME", description = "The name of the one that goes.")
        String name = "";

        @Override
        int run(AdminClient client) {
            JsonNode now = client.post("/v1/members/" + escape(name) + "/remove", Map.of());
            System.out.println("removed " + name + "; " + count(now));
            return 0;
        }
    }

    private static int add(AdminClient client, String text, @Nullable String replaces) {
        int equals = text.indexOf('=');
        if (equals < 1) {
            throw new IllegalArgumentException(
                    "`%s` is not NAME=HOST:PORT: the new member's name and `control` address"
                            .formatted(text));
        }
        String name = text.substring(0, equals);
        Map<String, Object> body = new LinkedHashMap<>();
        body.put("name", name);
        body.put("control", text.substring(equals + 1));
        if (replaces != null) {
            body.put("replaces", replaces);
        }
        System.err.println(name + " gets the group's log, then a vote ...");
        JsonNode now = client.post("/v1/members", body);
        String place = replaces == null ? "" : " in place of " + replaces;
        System.out.println("added " + name + place + "; " + count(now));
        return 0;
    }

    private static String count(JsonNode now) {
        int count = now.path("members").size();
        return switch (count) {
            case 1 -> "the group has one member, whose loss it does not survive";
            case 2, 4 ->
                    "the group has %d members: one less would survive as many losses, one more another"
                            .formatted(count);
            default -> "the group has %d members".formatted(count);
        };
    }
}
