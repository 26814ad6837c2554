package comet.cli;

import comet.cli.AdminClient.AdminException;
import comet.cli.AdminClient.Target;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

/// The command line. Exit status: 0 done, 1 it could not be done (why is on standard error), 2
/// wrong usage.
@Command(
        name = "comet",
        description = "Distributed block storage for virtual machines.",
        subcommands = {
            ProcessCommands.Up.class,
            ProcessCommands.Meta.class,
            ClusterCommands.class,
            NodeCommands.class,
            DiskCommands.class,
            PgCommands.class,
            GatewayCommands.class,
            VolumeCommands.class,
            BenchCommand.class,
            CompletionCommand.class
        })
final class Main implements Runnable {
    static final String VERSION = "comet 0.1.0";

    @Option(
            names = "--admin",
            paramLabel = "ADDR",
            scope = ScopeType.INHERIT,
            description = {
                "The admin API: a socket's path or HOST:PORT (with the token in COMET_TOKEN or in the"
                        + " data folder). Default: COMET_ADMIN, else the socket of the data folder."
            })
    @Nullable String admin;

    @Option(
            names = "--data",
            paramLabel = "DIR",
            scope = ScopeType.INHERIT,
            description = "The data folder of the cluster to speak to. Default: ./data.")
    @Nullable Path data;

    @Option(
            names = "--debug",
            scope = ScopeType.INHERIT,
            description = "Print stack traces with errors.")
    boolean debug;

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            scope = ScopeType.INHERIT,
            description = "Show this help.")
    boolean help;

    @Option(
            names = {"-V", "--version"},
            versionHelp = true,
            description = "Print the version.")
    boolean version;

    @CommandLine.Spec private CommandLine.Model.@Nullable CommandSpec spec;

    public static void main(String[] args) {
        System.exit(run(args));
    }

    static int run(String... args) {
        Main main = new Main();
        CommandLine line = new CommandLine(main);
        line.getCommandSpec().version(VERSION);
        line.setExecutionExceptionHandler((e, _, _) -> main.failed(e));
        return line.execute(args);
    }

    private int failed(Exception e) {
        String message = e.getMessage();
        System.err.println("comet: " + (message == null ? e.toString() : message));
        if (debug) {
            e.printStackTrace();
        }
        return 1;
    }

    @Override
    public void run() {
        if (spec != null) {
            throw new CommandLine.ParameterException(
                    spec.commandLine(), "Which command? See below.");
        }
    }

    /// The admin API that the options and the environment name.
    AdminClient client() {
        return new AdminClient(target());
    }

    private Target target() {
        String address = admin;
        if (address == null && data == null) {
            address = System.getenv("COMET_ADMIN");
        }
        Path folder = data == null ? Path.of("data") : data;
        if (address == null || address.isEmpty()) {
            return new Target.Socket(folder.resolve("admin.sock"));
        }
        int colon = address.lastIndexOf(':');
        if (address.contains("/") || colon < 0) {
            return new Target.Socket(Path.of(address));
        }
        int port;
        try {
            port = Integer.parseInt(address.substring(colon + 1));
        } catch (NumberFormatException e) {
            throw new AdminException(
                    "bad-address", "`%s` is neither a path nor HOST:PORT".formatted(address), e);
        }
        return new Target.Tcp(address.substring(0, colon), port, token(folder));
    }

    private static String token(Path folder) {
        String token = System.getenv("COMET_TOKEN");
        if (token != null && !token.isBlank()) {
            return token.strip();
        }
        Path file = folder.resolve("admin.token");
        try {
            return Files.readString(file).strip();
        } catch (IOException e) {
            throw new AdminException(
                    "no-token",
                    "the admin API over TCP wants a token: set COMET_TOKEN, or name the data folder with --data (tried %s)"
                            .formatted(file),
                    e);
        }
    }
}
