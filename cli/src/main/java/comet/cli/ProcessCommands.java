package comet.cli;

import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// The processes, named here for help and completion alone: the launcher starts them with a class
/// path of their own.
final class ProcessCommands {
    private ProcessCommands() {}

    private static IllegalStateException elsewhere() {
        return new IllegalStateException("started by the launcher `comet`, not by this class");
    }

    /// Of every process but `comet up`.
    static final class ProcessOptions {
        @Option(
                names = "--config",
                paramLabel = "FILE",
                description = "Start the process with this config.")
        @Nullable Path config;

        @Option(
                names = "--set",
                paramLabel = "KEY=VALUE",
                description = "Overrides a value of the config; may be repeated.")
        @Nullable List<String> overrides;
    }

    @Command(
            name = "up",
            description =
                    "Start a cluster on this machine, in one process or with --nodes N in many.")
    static final class Up implements Runnable {
        @Mixin UpOptions options = new UpOptions();

        @Option(
                names = "--set",
                paramLabel = "KEY=VALUE",
                description = "Overrides a value of the config; may be repeated.")
        @Nullable List<String> overrides;

        @Override
        public void run() {
            throw elsewhere();
        }
    }

    @Command(
            name = "meta",
            description = "Start a member of the metadata group alone: comet meta --config FILE.")
    static final class Meta implements Runnable {
        @Mixin ProcessOptions options = new ProcessOptions();

        @Override
        public void run() {
            throw elsewhere();
        }
    }
}
