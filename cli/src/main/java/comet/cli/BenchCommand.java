package comet.cli;

import comet.cli.AdminClient.AdminException;
import comet.cli.Fio.Job;
import comet.cli.Fio.Result;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;

/// Measures a gateway and the cluster behind it, as a virtual machine would meet them.
@Command(
        name = "bench",
        description = {
            "Measure what a volume does: operations, bytes and latencies of a fixed list of jobs.",
            "VOLUME is a new name: a scratch volume is made and purged at the end. A volume that exists"
                    + " is only read, unless --overwrite says that its content may be lost.",
            "Latencies of randwrite-flush are those of the flushes.",
            "Runs fio on this host against the gateway whose admin API is asked."
        })
final class BenchCommand extends AdminCommand {
    private static final int RUNTIME_MAX = 3600;

    /// Each stream of the largest jobs has at least one request of its own.
    private static final long SIZE_MIN = 64L << 20;

    @Parameters(index = "0", paramLabel = "VOLUME", description = "A new name, or a volume.")
    String name = "";

    @Option(
            names = "--size",
            paramLabel = "SIZE",
            description = "Of the scratch volume, or how much of a volume is used. Default: 1G.")
    String size = "1G";

    @Option(
            names = "--runtime",
            paramLabel = "SECONDS",
            description = "Of each job, 1 to 3600, after one that is not counted. Default: 5.")
    int runtime = 5;

    @Option(
            names = "--jobs",
            paramLabel = "REGEX",
            description = "Only jobs whose name holds this: rand, q32, write, flush, 128k, t16 …")
    String jobs = "";

    @Option(names = "--overwrite", description = "Write over the content of a volume that exists.")
    boolean overwrite;

    @Mixin JsonOption json = new JsonOption();

    @Override
    int run(AdminClient client) {
        List<Job> wanted = wanted();
        long bytes = size(size);
        if (bytes < SIZE_MIN) {
            throw usage("--size: at least " + Size.text(SIZE_MIN));
        }
        Fio.require();
        JsonNode volume = find(client);
        if (volume == null) {
            client.post("/v1/volumes", Map.of("name", name, "sizeBytes", bytes));
            Scratch scratch = new Scratch(client);
            Runtime.getRuntime().addShutdownHook(new Thread(scratch::remove));
            Fio fio = scratch.load(new Fio(uri(client), bytes));
            say("scratch volume %s of %s, made and filled".formatted(name, Size.text(bytes)));
            fio.fill();
            measure(fio, wanted);
            return 0;
        }
        if (!overwrite) {
            wanted.removeIf(Job::writes);
            if (wanted.isEmpty()) {
                throw usage(
                        "volume %s exists and these jobs write: name a new volume, or say --overwrite if its content may be lost"
                                .formatted(name));
            }
            say("volume %s exists: it is only read (--overwrite would write)".formatted(name));
        }
        bytes = Math.min(bytes, volume.path("sizeBytes").asLong());
        if (bytes < SIZE_MIN) {
            throw usage("volume %s is smaller than %s".formatted(name, Size.text(SIZE_MIN)));
        }
        Fio fio = new Fio(uri(client), bytes);
        Runtime.getRuntime().addShutdownHook(new Thread(fio::stop));
        measure(fio, wanted);
        return 0;
    }

    private List<Job> wanted() {
        if (runtime < 1 || runtime > RUNTIME_MAX) {
            throw usage("--runtime: 1 to %d seconds".formatted(RUNTIME_MAX));
        }
        Pattern pattern;
        try {
            pattern = Pattern.compile(jobs);
        } catch (PatternSyntaxException e) {
            throw usage("--jobs: " + e.getDescription());
        }
        List<Job> wanted = new ArrayList<>(Fio.MATRIX);
        wanted.removeIf(job -> !pattern.matcher(job.name()).find());
        if (wanted.isEmpty()) {
            throw usage(
                    "--jobs: none of %s"
                            .formatted(
                                    String.join(
                                            ", ", Fio.MATRIX.stream().map(Job::name).toList())));
        }
        return wanted;
    }

    /// The living volume of that name, or null where the name is free. The name of a deleted one is
    /// left to it: it may be restored.
    private @Nullable JsonNode find(AdminClient client) {
        boolean deleted = false;
        for (JsonNode volume : client.get("/v1/volumes").path("volumes")) {
            if (text(volume, "name").equals(name)) {
                if (!text(volume, "state").equals("deleted")) {
                    return volume;
                }
                deleted = true;
            }
        }
        if (deleted) {
            throw new AdminException(
                    "deleted",
                    "volume %s is deleted: bring it back with `comet volume restore %s`, or take another name"
                            .formatted(name, name),
                    null);
        }
        return null;
    }

    private String uri(AdminClient client) {
        List<String> uris = new ArrayList<>();
        client.get("/v1/volumes/" + escape(name))
                .path("uris")
                .forEach(uri -> uris.add(uri.asString()));
        if (uris.isEmpty()) {
            throw new AdminException(
                    "bench", "no gateway in the process that answered: name one by --admin", null);
        }
        String usable = NbdAddress.usable(uris, client.isSameHost());
        if (usable == null) {
            throw new AdminException(
                    "bench",
                    "volume %s cannot be reached from this host by %s: run this on the gateway's host, or have the gateway listen on an address of its network without TLS"
                            .formatted(name, String.join(" or ", uris)),
                    null);
        }
        return usable;
    }

    private void measure(Fio fio, List<Job> wanted) {
        List<Result> results = new ArrayList<>();
        if (!json.wanted) {
            row("JOB", "IOPS", "MB/S", "P50 US", "P99 US", "P99.9 US");
        }
        for (Job job : wanted) {
            Result r = fio.run(job, runtime);
            results.add(r);
            if (!json.wanted) {
                row(
                        r.job(),
                        number(r.iops()),
                        number(r.bytesPerSecond() / 1e6),
                        number(r.p50()),
                        number(r.p99()),
                        number(r.p999()));
            }
        }
        if (json.wanted) {
            printJson(AdminClient.JSON.valueToTree(Map.of("results", results)));
        }
    }

    private void say(String line) {
        if (!json.wanted) {
            System.out.println(line);
        }
    }

    private static void row(String... cells) {
        System.out.printf("%-16s %9s %9s %9s %9s %9s%n", (Object[]) cells);
    }

    private static String number(double value) {
        return String.format(Locale.ROOT, value < 10 ? "%.1f" : "%.0f", value);
    }

    /// The volume that is there for this run alone; also where the run is interrupted.
    private final class Scratch {
        private final AdminClient client;
        private @Nullable Fio fio;
        private boolean removed;

        Scratch(AdminClient client) {
            this.client = client;
        }

        /// Notes what is to be stopped before the volume goes; where it goes already, at once.
        synchronized Fio load(Fio load) {
            fio = load;
            if (removed) {
                load.stop();
            }
            return load;
        }

        private synchronized void stopLoad() {
            removed = true;
            if (fio != null) {
                fio.stop();
            }
        }

        void remove() {
            stopLoad();
            String path = "/v1/volumes/" + escape(name);
            try {
                client.post(path + "/detach", Map.of("force", false));
            } catch (AdminException _) {
                // Nobody had opened it.
            }
            try {
                client.delete(path);
                client.post(path + "/purge", Map.of());
            } catch (AdminException e) {
                System.err.printf(
                        "comet: scratch volume %s is still there: %s%n", name, e.getMessage());
            }
        }
    }
}
