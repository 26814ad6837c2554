package comet.cli;

import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.databind.JsonNode;

/// `comet cluster events`.
final class EventCommands {
    private EventCommands() {}

    @Command(
            name = "events",
            description =
                    "What has happened, oldest first: what the metadata group decided, who asked for"
                            + " it or found it, why, and what follows. With --follow and --json one"
                            + " object a line.")
    static final class Events extends AdminCommand {
        private static final long FOLLOW_MS = 500;

        @Option(
                names = "--since",
                paramLabel = "TIME",
                description = "Not what is older: 90s, 10m, 24h, 7d, or 2026-01-31T12:00:00Z.")
        @Nullable String since;

        @Option(
                names = "--last",
                paramLabel = "N",
                description = "The last N. Default: 100; all, with --since.")
        @Nullable Integer last;

        @Option(names = "--follow", description = "Go on with what happens, until interrupted.")
        boolean follow;

        @Option(
                names = "--processes",
                description = "What the processes that answer here have logged as events instead.")
        boolean processes;

        @Mixin JsonOption json = new JsonOption();

        @Override
        int run(AdminClient client) {
            long sinceMs = since == null ? 0 : since(since).toEpochMilli();
            String path = processes ? "/v1/process/events" : "/v1/events";
            if (follow && processes) {
                throw usage("--follow shows what the group decides: not with --processes");
            }
            JsonNode answer = client.get(path);
            int most =
                    last != null ? last : since == null && !json.wanted ? 100 : Integer.MAX_VALUE;
            List<JsonNode> events = chosen(answer, sinceMs, most);
            if (json.wanted && !follow) {
                var all = AdminClient.JSON.createObjectNode();
                events.forEach(all.putArray("events")::add);
                printJson(all);
                return 0;
            }
            long number = print(events, 0);
            while (follow) {
                WaitOptions.pause(FOLLOW_MS);
                number =
                        print(
                                chosen(client.get(path + "?after=" + number), 0, Integer.MAX_VALUE),
                                number);
            }
            return 0;
        }

        private static List<JsonNode> chosen(JsonNode answer, long sinceMs, int most) {
            List<JsonNode> events = new ArrayList<>();
            for (JsonNode event : answer.path("events")) {
                if (event.path("timeMs").asLong() >= sinceMs) {
                    events.add(event);
                }
            }
            return events.subList(Math.max(0, events.size() - most), events.size());
        }

        /// @return the number of the last one
        private long print(List<JsonNode> events, long number) {
            long newest = number;
            for (JsonNode event : events) {
                System.out.println(json.wanted ? event.toString() : line(event));
                newest = Math.max(newest, event.path("number").asLong());
            }
            System.out.flush();
            return newest;
        }

        private Instant since(String text) {
            try {
                return Instant.parse(text);
            } catch (DateTimeParseException e) {
                Duration ago = ago(text.strip().toLowerCase(Locale.ROOT));
                if (ago == null) {
                    throw usage(
                            "`%s` is no time: 90s, 10m, 24h, 7d, or 2026-01-31T12:00:00Z"
                                    .formatted(text));
                }
                return Instant.now().minus(ago);
            }
        }

        private static @Nullable Duration ago(String text) {
            if (!text.matches("[0-9]{1,9}[smhd]")) {
                return null;
            }
            long number = Long.parseLong(text.substring(0, text.length() - 1));
            return switch (text.charAt(text.length() - 1)) {
                case 's' -> Duration.ofSeconds(number);
                case 'm' -> Duration.ofMinutes(number);
                case 'h' -> Duration.ofHours(number);
                default -> Duration.ofDays(number);
            };
        }
    }

    /// `TIME LEVEL CODE SUBJECT: CAUSE; CONSEQUENCE (REPORTER)`, or of a process `TIME LEVEL CODE
    /// PROCESS: DETAILS`.
    static String line(JsonNode event) {
        long timeMs = event.path("timeMs").asLong();
        StringBuilder line = new StringBuilder();
        line.append(timeMs == 0 ? "-" : Instant.ofEpochMilli(timeMs).toString()).append("  ");
        line.append("%-5s ".formatted(AdminCommand.text(event, "level")));
        line.append("%-18s ".formatted(AdminCommand.text(event, "code")));
        line.append(AdminCommand.text(event, "subject"));
        line.append(AdminCommand.text(event, "process"));
        String joint = ": ";
        for (String field : new String[] {"cause", "consequence", "details"}) {
            String words = AdminCommand.text(event, field);
            if (!words.isEmpty()) {
                line.append(joint).append(words);
                joint = "; ";
            }
        }
        String reporter = AdminCommand.text(event, "reporter");
        if (!reporter.isEmpty() && !reporter.equals(AdminCommand.text(event, "subject"))) {
            line.append(" (").append(reporter).append(')');
        }
        return line.toString();
    }
}
