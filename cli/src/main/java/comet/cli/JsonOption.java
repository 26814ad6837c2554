package comet.cli;

import picocli.CommandLine.Option;
import tools.jackson.databind.JsonNode;

/// `--json`: the answer for programs, as the admin API gave it.
final class JsonOption {
    @Option(names = "--json", description = "Print JSON.")
    boolean wanted;

    /// Prints it where that was asked for.
    ///
    /// @return whether it was
    boolean print(JsonNode answer) {
        if (wanted) {
            AdminCommand.printJson(answer);
        }
        return wanted;
    }
}
