package comet.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// Options of `comet cluster recover` alone; a process of its own reads them, the command line
/// describes and completes them.
public final class RecoverOptions {
    @Option(
            names = "--to",
            paramLabel = "CONFIG|DIR",
            required = true,
            description =
                    "Config of a node or process with a member, or the data folder of `comet up`;"
                            + " once for each member on this host. Without --from-disks their disks"
                            + " are looked at.")
    public List<Path> to = new ArrayList<>();

    @Option(
            names = "--from-file",
            paramLabel = "FILE",
            split = ",",
            arity = "1..*",
            description = "What `comet cluster export-metadata` wrote, here or elsewhere.")
    public List<Path> files = new ArrayList<>();

    @Option(
            names = "--write-state",
            paramLabel = "FILE",
            description =
                    "Where members live on several hosts: what the first call decides, for the"
                            + " others. A file that does not exist yet.")
    public @Nullable Path writeState;

    @Option(
            names = "--state",
            paramLabel = "FILE",
            description = "Looks at no disk: does what the first call has decided.")
    public @Nullable Path state;

    @Option(
            names = "--incomplete",
            description =
                    "Go on although disks of the cluster were not looked at; with"
                            + " --accept-data-loss only.")
    public boolean incomplete;

    @Option(
            names = "--accept-data-loss",
            description = "Writes that only disks know of that were not looked at may be lost.")
    public boolean acceptDataLoss;

    @Option(names = "--dry-run", description = "Only say what would be done.")
    public boolean dryRun;

    @Option(
            names = "--force",
            description = "Go on although somebody listens where members of the group do.")
    public boolean force;
}
