package comet.cli;

import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Option;

/// Which disks are looked at while no process has them open; a process of its own reads it, the
/// command line describes and completes it.
public final class FromDisksOption {
    @Option(
            names = "--from-disks",
            paramLabel = "DIR[=JOURNAL-DIR]",
            split = ",",
            arity = "1..*",
            description =
                    "Folders of disks, with that of the journal where it lies elsewhere. No process"
                            + " may have them open.")
    public List<String> folders = new ArrayList<>();
}
