package comet.cli;

import comet.cli.AdminClient.AdminException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/// Runs fio(1) with its engine for NBD against one export, a job at a time.
final class Fio {
    /// One point of the matrix, as in `bench/targets.py`.
    ///
    /// @param rw fio's word for the pattern
    /// @param blockBytes of each request
    /// @param depth requests in flight for each of the streams
    /// @param streams connections that do the same at the same time
    /// @param flush a flush after each write
    record Job(String name, String rw, int blockBytes, int depth, int streams, boolean flush) {
        boolean writes() {
            return !rw.endsWith("read");
        }

        boolean sequential() {
            return rw.equals("read") || rw.equals("write");
        }
    }

    /// What a job reached. Latencies are from the request to its answer, in microseconds; of the
    /// flushes, where each write is followed by one.
    record Result(
            String job, double iops, double bytesPerSecond, double p50, double p99, double p999) {}

    static final List<Job> MATRIX =
            List.of(
                    new Job("randread-q1", "randread", 4 << 10, 1, 1, false),
                    new Job("randread-q32", "randread", 4 << 10, 32, 1, false),
                    new Job("randwrite-q1", "randwrite", 4 << 10, 1, 1, false),
                    new Job("randwrite-q32", "randwrite", 4 << 10, 32, 1, false),
                    new Job("mixed70-q32", "randrw", 4 << 10, 32, 1, false),
                    new Job("randwrite-flush", "randwrite", 4 << 10, 1, 1, true),
                    new Job("read128k-q8", "read", 128 << 10, 8, 1, false),
                    new Job("write128k-q8", "write", 128 << 10, 8, 1, false),
                    new Job("read4m-q4", "read", 4 << 20, 4, 1, false),
                    new Job("write4m-q4", "write", 4 << 20, 4, 1, false),
                    new Job("randread-t4", "randread", 4 << 10, 1, 4, false),
                    new Job("randread-t16", "randread", 4 << 10, 1, 16, false),
                    new Job("randwrite-t4", "randwrite", 4 << 10, 1, 4, false),
                    new Job("randwrite-t16", "randwrite", 4 << 10, 1, 16, false),
                    new Job("read128k-t16", "read", 128 << 10, 1, 16, false),
                    new Job("write128k-t16", "write", 128 << 10, 1, 16, false));

    /// Writes all of a volume once.
    private static final Job FILL = new Job("fill", "write", 1 << 20, 8, 1, false);

    private final String uri;
    private final long bytes;
    private @Nullable Process running;
    private boolean stopped;

    /// @param bytes how much of the export is used, from its start
    Fio(String uri, long bytes) {
        this.uri = uri;
        this.bytes = bytes;
    }

    /// @throws AdminException where there is no fio that speaks NBD
    static void require() {
        String engines;
        try {
            Process process =
                    new ProcessBuilder("fio", "--enghelp").redirectErrorStream(true).start();
            engines = text(process.getInputStream());
        } catch (IOException _) {
            engines = "";
        }
        if (!engines.lines().map(String::strip).toList().contains("nbd")) {
            throw failed(
                    "this needs fio with its engine for NBD (Debian's package: fio), on the host of a gateway");
        }
    }

    /// Writes the volume full and flushes it.
    void fill() {
        run(FILL, List.of("--end_fsync=1"));
    }

    /// Runs a job for some seconds, after one that is not counted.
    Result run(Job job, int seconds) {
        JsonNode measured =
                run(job, List.of("--time_based", "--runtime=" + seconds, "--ramp_time=1"));
        double iops = 0;
        double bytesPerSecond = 0;
        double[] us = new double[3];
        for (String side : List.of("read", "write")) {
            JsonNode part = measured.path(side);
            if (part.path("total_ios").asLong() == 0) {
                continue;
            }
            iops += part.path("iops").asDouble();
            bytesPerSecond += part.path("bw_bytes").asDouble();
            JsonNode timed = job.flush ? measured.path("sync") : part;
            JsonNode percentile = timed.path("lat_ns").path("percentile");
            us[0] = Math.max(us[0], percentile.path("50.000000").asDouble() / 1000);
            us[1] = Math.max(us[1], percentile.path("99.000000").asDouble() / 1000);
            us[2] = Math.max(us[2], percentile.path("99.900000").asDouble() / 1000);
        }
        return new Result(job.name, iops, bytesPerSecond, us[0], us[1], us[2]);
    }

    private JsonNode run(Job job, List<String> extra) {
        List<String> command = new ArrayList<>();
        command.addAll(List.of("fio", "--name=" + job.name, "--ioengine=nbd", "--uri=" + uri));
        command.addAll(
                List.of("--rw=" + job.rw, "--bs=" + job.blockBytes, "--iodepth=" + job.depth));
        command.addAll(List.of("--numjobs=" + job.streams, "--group_reporting", "--randrepeat=0"));
        if (job.sequential()) {
            long part = bytes / job.streams / job.blockBytes * job.blockBytes;
            command.addAll(List.of("--size=" + part, "--offset_increment=" + part));
        } else {
            command.addAll(List.of("--size=" + bytes, "--norandommap"));
        }
        if (job.rw.equals("randrw")) {
            command.add("--rwmixread=70");
        }
        if (job.flush) {
            command.add("--fsync=1");
        }
        command.addAll(List.of("--lat_percentiles=1", "--clat_percentiles=0"));
        command.addAll(List.of("--percentile_list=50:99:99.9", "--refill_buffers"));
        command.add("--output-format=json");
        command.addAll(extra);
        try {
            Process process = start(command);
            CompletableFuture<String> errors =
                    CompletableFuture.supplyAsync(() -> text(process.getErrorStream()));
            String output = text(process.getInputStream());
            int status = process.waitFor();
            if (isStopped()) {
                throw failed("interrupted");
            }
            if (status != 0) {
                throw failed("fio ended with %d: %s".formatted(status, errors.join().strip()));
            }
            return AdminClient.JSON
                    .readTree(output.substring(Math.max(0, output.indexOf('{'))))
                    .path("jobs")
                    .path(0);
        } catch (IOException | JacksonException e) {
            throw failed("fio: " + e.getMessage());
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            throw failed("interrupted");
        } finally {
            end();
        }
    }

    private synchronized Process start(List<String> command) throws IOException {
        if (stopped) {
            throw failed("interrupted");
        }
        Process process = new ProcessBuilder(command).start();
        running = process;
        return process;
    }

    /// Ends a job that runs, and refuses all later ones; from any thread.
    synchronized void stop() {
        stopped = true;
        end();
    }

    private synchronized boolean isStopped() {
        return stopped;
    }

    private synchronized void end() {
        if (running != null) {
            running.destroy();
            running = null;
        }
    }

    private static String text(InputStream in) {
        try (in) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static AdminException failed(String message) {
        return new AdminException("bench", message, null);
    }
}
