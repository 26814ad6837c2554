package comet.cli;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// Options of `comet up` alone; the process reads them, the command line describes and completes
/// them. Where the data folder and the admin API are, both say by the options of all commands.
public final class UpOptions {
    @Option(names = "--config", paramLabel = "FILE", description = "Values for what no flag says.")
    public @Nullable Path config;

    @Option(
            names = "--nbd",
            paramLabel = "ADDR",
            description = "NBD over TCP; port 0: any free one. Default: 127.0.0.1:10809.")
    public @Nullable String nbd;

    @Option(
            names = "--size",
            paramLabel = "SIZE",
            description = "Size of the first volume, `disk0`. Default: 10G.")
    public @Nullable String size;

    @Option(
            names = "--nodes",
            paramLabel = "N",
            description = "Storage nodes, each a process of its own, and one gateway.")
    public @Nullable Integer nodes;
}
