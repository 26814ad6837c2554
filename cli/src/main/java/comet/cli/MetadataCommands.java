package comet.cli;

import comet.cli.AdminClient.AdminException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// Map and catalogue in a file, and a metadata group made anew from what is left of a lost one.
/// What opens disks by itself is started by the launcher: here stand its options, for help and
/// completion.
final class MetadataCommands {
    private MetadataCommands() {}

    @Command(
            name = "export-metadata",
            description = {
                "Write map and catalogue into a file that people can read and `comet cluster"
                        + " recover` can use.",
                "With --from-disks: what the disks in those folders know, while no process has"
                        + " them open."
            })
    static final class Export extends AdminCommand {
        @Parameters(
                arity = "0..1",
                paramLabel = "FILE",
                description = "A file that does not exist yet. Default: standard output.")
        @Nullable Path file;

        @Option(
                names = "--from-disks",
                paramLabel = "DIR[=JOURNAL-DIR]",
                split = ",",
                arity = "1..*",
                description = "Folders of disks, with that of the journal where it lies elsewhere.")
        @Nullable List<String> disks;

        @Override
        int run(AdminClient client) {
            Path to = file;
            if (to != null && Files.exists(to)) {
                throw exists(to);
            }
            String text = client.text("/v1/cluster/metadata");
            if (to == null) {
                System.out.print(text);
                return 0;
            }
            try {
                Files.writeString(to, text, StandardCharsets.UTF_8, StandardOpenOption.CREATE_NEW);
            } catch (IOException e) {
                throw new AdminException("error", "cannot write " + to + ": " + e.getMessage(), e);
            }
            System.out.println("wrote " + to);
            return 0;
        }

        private static AdminException exists(Path file) {
            return new AdminException("error", file + " exists already: name another one", null);
        }
    }

    @Command(
            name = "recover",
            description = {
                "Make a new metadata group where the old one is lost with all its members: from"
                        + " what the disks know.",
                "Nodes and members must be stopped. Read docs/metadata.md first."
            })
    static final class Recover implements Runnable {
        @Option(
                names = "--to",
                paramLabel = "CONFIG|DIR",
                required = true,
                description =
                        "Config of a node or process with a member, or the data folder of `comet"
                                + " up`; once for each member on this host.")
        @Nullable List<Path> to;

        @Option(
                names = "--from-disks",
                paramLabel = "DIR[=JOURNAL-DIR]",
                split = ",",
                arity = "1..*",
                description = "Folders of disks. Default: those of the configs.")
        @Nullable List<String> disks;

        @Option(
                names = "--from-file",
                paramLabel = "FILE",
                split = ",",
                arity = "1..*",
                description = "What `comet cluster export-metadata` wrote, here or elsewhere.")
        @Nullable List<Path> files;

        @Option(
                names = "--write-state",
                paramLabel = "FILE",
                description =
                        "Where members live on several hosts: what the first call decides, for the"
                                + " others. A file that does not exist yet.")
        @Nullable Path writeState;

        @Option(
                names = "--state",
                paramLabel = "FILE",
                description = "Looks at no disk: does what the first call has decided.")
        @Nullable Path state;

        @Option(
                names = "--incomplete",
                description =
                        "Go on although disks of the cluster were not looked at; with"
                                + " --accept-data-loss only.")
        boolean incomplete;

        @Option(
                names = "--accept-data-loss",
                description = "Writes that only disks know of that were not looked at may be lost.")
        boolean acceptDataLoss;

        @Option(names = "--dry-run", description = "Only say what would be done.")
        boolean dryRun;

        @Option(
                names = "--force",
                description = "Go on although somebody listens where members of the group do.")
        boolean force;

        @Override
        public void run() {
            throw new IllegalStateException("started by the launcher `comet`, not by this class");
        }
    }
}
