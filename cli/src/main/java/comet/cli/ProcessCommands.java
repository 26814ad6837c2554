package comet.cli;

import picocli.CommandLine.Command;

/// The processes, named here for the help alone: the launcher starts them with a class path of
/// their own.
final class ProcessCommands {
    private ProcessCommands() {}

    @Command(
            name = "up",
            description =
                    "Start a cluster on this machine, in one process or with --nodes N in many.")
    static final class Up implements Runnable {
        @Override
        public void run() {
            throw new IllegalStateException("started by the launcher `comet`, not by this class");
        }
    }

    @Command(
            name = "meta",
            description = "Start a member of the metadata group alone: comet meta --config FILE.")
    static final class Meta implements Runnable {
        @Override
        public void run() {
            throw new IllegalStateException("started by the launcher `comet`, not by this class");
        }
    }
}
