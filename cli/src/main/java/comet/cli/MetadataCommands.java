package comet.cli;

import comet.cli.AdminClient.AdminException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/// Map and catalogue in a file, and a metadata group made anew from what is left of a lost one.
/// What opens disks by itself is started by the launcher: it is named here for help and completion.
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

        @Mixin FromDisksOption disks = new FromDisksOption();

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
                throw new AdminException(
                        "error", "cannot write " + to + ": " + FileErrors.words(e), e);
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
        @Mixin RecoverOptions options = new RecoverOptions();
        @Mixin FromDisksOption disks = new FromDisksOption();

        @Override
        public void run() {
            throw new IllegalStateException("started by the launcher `comet`, not by this class");
        }
    }
}
