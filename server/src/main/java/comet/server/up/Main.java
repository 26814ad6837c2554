package comet.server.up;

import comet.cli.UpOptions;
import comet.io.loop.EventLoop;
import comet.server.config.ConfigException;
import comet.server.config.GatewayConfig;
import comet.server.config.MetaConfig;
import comet.server.config.NodeConfig;
import comet.server.config.UpConfig;
import comet.server.log.LogSetup;
import java.io.File;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

/// The processes of Comet. Exit status: 0 after a stop that was asked for, 1 where a process could
/// not start or go on (why is on standard error, after `comet: `), 2 wrong usage, 70 after a
/// failure of the program itself.
@Command(
        name = "comet",
        subcommands = {
            Main.Up.class,
            Main.Node.class,
            Main.Meta.class,
            Main.Gateway.class,
            RecoverCommands.class,
        })
final class Main {
    @Option(
            names = "--debug",
            scope = ScopeType.INHERIT,
            description = "Log more, with stack traces.")
    boolean debug;

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            scope = ScopeType.INHERIT,
            description = "Show this help.")
    boolean help;

    private static final Logger LOG = LoggerFactory.getLogger(Main.class);

    private final Life life;

    private Main(Life life) {
        this.life = life;
    }

    public static void main(String[] args) {
        Thread.setDefaultUncaughtExceptionHandler((thread, failure) -> {
            EventLoop.haltWithoutMemory(failure);
            LOG.error("thread {} has failed", thread.getName(), failure);
        });
        Life life = new Life();
        life.handleSignals();
        life.exit(run(life, args));
    }

    /// @return the exit status
    static int run(Life life, String... args) {
        Main main = new Main(life);
        CommandLine line = new CommandLine(main);
        line.setExecutionExceptionHandler((e, _, _) -> main.failed(e));
        return line.execute(args);
    }

    private int failed(Exception e) {
        if (life.stopping()) {
            LOG.debug("event=start-cut-off", e);
            return 1;
        }
        if (debug || !(e instanceof StartException || e instanceof ConfigException)) {
            e.printStackTrace();
        }
        System.err.println("comet: " + e.getMessage());
        return e instanceof ConfigException config && config.usage()
                ? CommandLine.ExitCode.USAGE
                : 1;
    }

    /// What the processes' commands share.
    abstract static class Role implements Callable<Integer> {
        @CommandLine.ParentCommand @Nullable Main main;

        @Option(
                names = "--set",
                paramLabel = "KEY=VALUE",
                description = "Overrides a value of the config; may be repeated.")
        List<String> overrides = new ArrayList<>();

        abstract void start(Life life);

        @Override
        public Integer call() {
            if (main == null) {
                throw new IllegalStateException("started without a command line");
            }
            if (main.debug) {
                LogSetup.debug();
            }
            Life life = main.life;
            start(life);
            return life.await();
        }
    }

    @Command(
            name = "up",
            description =
                    "Start a cluster on this machine: in one process, or with --nodes N in many.")
    static final class Up extends Role {
        @CommandLine.Mixin UpOptions options = new UpOptions();

        @Option(names = "--data", paramLabel = "DIR", description = "Data folder. Default: ./data.")
        @Nullable String data;

        @Option(
                names = "--admin",
                paramLabel = "ADDR",
                description = "Admin API over TCP; port 0: any free one. Default: 127.0.0.1:7490.")
        @Nullable String admin;

        @Override
        void start(Life life) {
            flag("data", data == null ? null : new File(data).getAbsolutePath());
            flag("nbd", options.nbd);
            flag("admin", admin);
            flag("size", options.size);
            Integer nodes = options.nodes;
            flag("nodes", nodes == null ? null : nodes.toString());
            UpConfig up = UpConfig.read(options.config, overrides);
            if (up.nodes() == 0) {
                UpProcess.start(up, life);
            } else {
                UpNodes.start(up, life);
            }
        }

        private void flag(String key, @Nullable String value) {
            if (value != null) {
                overrides.add(key + "=" + value);
            }
        }
    }

    /// One that is told all in a file.
    abstract static class Configured extends Role {
        @Option(
                names = "--config",
                paramLabel = "FILE",
                required = true,
                description = "Its config.")
        Path config = Path.of("");
    }

    @Command(name = "node", description = "Start a storage node.")
    static final class Node extends Configured {
        @Override
        void start(Life life) {
            NodeProcess.start(NodeConfig.read(config, overrides), life);
        }
    }

    @Command(name = "meta", description = "Start a member of the metadata group, without disks.")
    static final class Meta extends Configured {
        @Override
        void start(Life life) {
            MetaProcess.start(MetaConfig.read(config, overrides), life);
        }
    }

    @Command(name = "gateway", description = "Start a gateway.")
    static final class Gateway extends Configured {
        @Override
        void start(Life life) {
            GatewayProcess.start(GatewayConfig.read(config, overrides), life);
        }
    }
}
