package comet.cli;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import tools.jackson.databind.JsonNode;

/// A command that is a request to the admin API and a way to print its answer.
abstract class AdminCommand implements Callable<Integer> {
    private static final Pattern TIME = Pattern.compile("([0-9]{1,9})([smhd])");

    @CommandLine.Spec @Nullable CommandSpec spec;

    /// @return the exit status
    abstract int run(AdminClient client);

    @Override
    public Integer call() {
        if (spec == null) {
            throw new IllegalStateException("called without a command line");
        }
        return run(((Main) spec.root().userObject()).client());
    }

    ParameterException usage(String message) {
        if (spec == null) {
            throw new IllegalStateException(message);
        }
        return new ParameterException(spec.commandLine(), message);
    }

    long size(String text) {
        try {
            return Size.parse(text);
        } catch (IllegalArgumentException e) {
            throw usage(String.valueOf(e.getMessage()));
        }
    }

    /// A disk's share of placement.
    long weight(String text) {
        long bytes;
        try {
            bytes = Size.parse(text);
        } catch (IllegalArgumentException e) {
            bytes = 0;
        }
        if (bytes <= 0) {
            throw usage(
                    "a weight is a size above 0, like 500G or 2T, not `%s`; what empties a disk is `comet disk remove` or `comet node drain`"
                            .formatted(text));
        }
        return bytes;
    }

    /// A time as people write it: 90s, 30m, 4h or 2d.
    long seconds(String text) {
        Matcher time = TIME.matcher(text);
        if (!time.matches()) {
            throw usage("a time is a number with s, m, h or d behind it, not `" + text + "`");
        }
        long unit =
                switch (time.group(2)) {
                    case "s" -> 1;
                    case "m" -> 60;
                    case "h" -> 3600;
                    default -> 86_400;
                };
        return unit * Long.parseLong(time.group(1));
    }

    static String escape(String segment) {
        return URLEncoder.encode(segment, StandardCharsets.UTF_8).replace("+", "%20");
    }

    static void printJson(JsonNode json) {
        System.out.println(json.toPrettyString());
    }

    /// Text of a field; empty where it is missing or null.
    static String text(JsonNode json, String field) {
        JsonNode value = json.path(field);
        return value.isMissingNode() || value.isNull() ? "" : value.asString();
    }

    static String bytes(JsonNode json, String field) {
        JsonNode value = json.path(field);
        return value.isNumber() ? Size.text(value.asLong()) : "";
    }

    /// A group of commands, which alone is no command.
    abstract static class Group implements Runnable {
        @CommandLine.Spec @Nullable CommandSpec spec;

        @Override
        public void run() {
            if (spec != null) {
                throw new ParameterException(spec.commandLine(), "Which command? See below.");
            }
        }
    }

    /// A listing: the array under `field` of the answer, as a table or as it came.
    abstract static class Listing extends AdminCommand {
        @CommandLine.Mixin JsonOption json = new JsonOption();

        abstract JsonNode fetch(AdminClient client);

        abstract Table table(JsonNode answer);

        @Override
        int run(AdminClient client) {
            JsonNode answer = fetch(client);
            if (!json.print(answer)) {
                table(answer).print(System.out);
            }
            return 0;
        }
    }
}
