package comet.server.up;

import comet.io.loop.EventLoop;
import comet.port.Events;
import comet.replica.DiskServer;
import comet.replica.DiskStatus;
import comet.replica.Limits;
import comet.replica.ReplicaCounters;
import comet.server.admin.AdminException;
import comet.server.admin.Metrics;
import comet.server.admin.NodePart;
import comet.server.config.NodeConfig.DiskConfig;
import comet.server.control.ControlClient;
import comet.server.data.DataException;
import comet.server.data.NodeData;
import comet.server.data.NodeDisk;
import comet.server.raft.DiskUse;
import comet.store.Disk;
import comet.store.StoreCounters;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// The storage node of this process: tells the group which of its disks serve, and answers the
/// admin API and the metrics.
final class LocalNode implements NodePart, Metrics.Source {
    private static final long REPORT_NS = 250_000_000;
    private static final long ANSWER_MS = 2000;

    private final ProcessCore process;
    private final NodeData node;
    private final LoopClients clients;
    private final String domain;
    private final AddedDisks added;
    private volatile boolean leaving;

    /// @param clients the node's own, which report its disks
    LocalNode(ProcessCore process, NodeData node, LoopClients clients, String domain) {
        this.process = process;
        this.node = node;
        this.clients = clients;
        this.domain = domain;
        added = AddedDisks.in(process.data());
    }

    /// The disks of the config and those added since, for [NodeData#join].
    List<NodeDisk.Settings> all(List<DiskConfig> configured) {
        List<NodeDisk.Settings> all = new ArrayList<>();
        added.with(configured).forEach(disk -> all.add(settings(disk)));
        return all;
    }

    private static NodeDisk.Settings settings(DiskConfig disk) {
        return new NodeDisk.Settings(
                disk.path(), disk.journal(), disk.weightBytes(), disk.domain(), false);
    }

    /// From now on the group hears which disks serve.
    void report() {
        process.loop.submit(this::reportNow);
    }

    /// The node stops: those who wait for its disks need not wait until they are missed.
    void sayGoodbye() {
        leaving = true;
        tellAll();
    }

    private void reportNow() {
        tellAll();
        process.loop.schedule(REPORT_NS, this::reportNow);
    }

    private void tellAll() {
        for (EventLoop loop : process.loops) {
            ControlClient client = clients.of(loop);
            if (client != null) {
                loop.submit(() -> report(loop, client));
            }
        }
    }

    /// On that loop, what it has.
    private void report(EventLoop loop, ControlClient client) {
        for (NodeDisk disk : node.disks()) {
            if (disk.loop() == loop) {
                report(client, disk);
            }
        }
    }

    private void report(ControlClient client, NodeDisk disk) {
        Disk store = disk.disk();
        int diskId = store.identity().diskId();
        client.reportUse(
                new DiskUse(
                        diskId,
                        store.usedBytes(),
                        store.capacityBytes(),
                        disk.settings().folder().toString(),
                        fileSystem(disk)));
        if (disk.lookWhetherItHangs()) {
            tellThatItHangs(diskId, disk.hangs());
        }
        DiskServer server = node.served(disk);
        if (server != null && server.serving() && !disk.hangs() && !leaving) {
            client.reportDisk(diskId, server.bootId());
        } else {
            client.forgetDisk(diskId);
        }
    }

    private String fileSystem(NodeDisk disk) {
        String device = disk.fileSystem();
        return device.isEmpty() ? "" : process.hostId + ":" + device;
    }

    /// Who hangs serves nobody, and cannot say so otherwise.
    private void tellThatItHangs(int diskId, boolean hangs) {
        long seconds = Limits.DEVICE_DEADLINE_NS / 1_000_000_000;
        if (hangs) {
            process.events.event(
                    Events.Level.ERROR,
                    "disk-hangs",
                    "disk=%d seconds=%d hint=\"the others go on without it where they can\""
                            .formatted(diskId, seconds));
        } else {
            process.events.event(Events.Level.WARN, "disk-answers-again", "disk=" + diskId);
        }
    }

    private static <T> T on(EventLoop loop, Supplier<T> question) {
        CompletableFuture<T> answer = new CompletableFuture<>();
        loop.submit(() -> answer.complete(question.get()));
        try {
            return answer.get(ANSWER_MS, TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            throw AdminException.unavailable("no-answer", "the node does not answer");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw AdminException.unavailable("stopping", "this process is stopping");
        } catch (ExecutionException e) {
            throw new IllegalStateException(e.getCause());
        }
    }

    @Override
    public List<DiskState> disks() {
        List<DiskState> states = new ArrayList<>();
        for (NodeDisk disk : node.disks()) {
            states.add(on(disk.loop(), () -> state(disk)));
        }
        for (Map.Entry<Path, String> failure : node.failures().entrySet()) {
            states.add(
                    new DiskState(
                            0,
                            process.name,
                            failure.getKey().toString(),
                            "failed",
                            failure.getValue(),
                            0,
                            0,
                            0));
        }
        return states;
    }

    private static String detail(@Nullable DiskStatus status) {
        if (status == null || !status.serving()) {
            return status == null ? "" : status.why();
        }
        List<String> kept = new ArrayList<>();
        if (status.keptPgs() > 0) {
            kept.add(
                    "copies of "
                            + status.keptPgs()
                            + " placement groups in which it had a part before they, or the metadata"
                            + " group, were made anew, and has none now");
        }
        if (status.keptVolumes() > 0) {
            kept.add("chunks of " + status.keptVolumes() + " volumes that the catalogue lacks");
        }
        return String.join(", and ", kept);
    }

    private DiskState state(NodeDisk of) {
        Disk store = of.disk();
        int diskId = store.identity().diskId();
        DiskServer server = node.served(of);
        DiskStatus status = server == null ? null : server.status();
        boolean serving = status != null && status.serving();
        String state = "waiting";
        if (store.failed()) {
            state = "failed";
        } else if (server != null && server.removed()) {
            state = "removed";
        } else if (server != null && server.refused()) {
            state = "refused";
        } else if (of.hangs()) {
            state = "hangs";
        } else if (serving) {
            state = "serving";
        }
        return new DiskState(
                diskId,
                process.name,
                of.settings().folder().toString(),
                state,
                detail(status),
                store.usedBytes(),
                store.capacityBytes(),
                (double) store.journalUsedBytes() / store.journalBytes());
    }

    @Override
    public int addDisk(
            String name, Path folder, long weightBytes, @Nullable String ofDomain, boolean idle) {
        if (!name.equals(process.name)) {
            throw AdminException.missing(
                    "unknown-node",
                    "this is node %s, not %s: name that node's admin API with --admin"
                            .formatted(process.name, name));
        }
        if (!folder.isAbsolute()) {
            throw AdminException.bad("bad-path", folder + " is no absolute path");
        }
        if (!Files.isDirectory(folder)) {
            throw AdminException.missing(
                    "no-folder",
                    "there is no folder %s on node %s: make it, or mount its device"
                            .formatted(folder, name));
        }
        try {
            int id =
                    node.addDisk(
                            new NodeDisk.Settings(
                                    folder,
                                    null,
                                    weightBytes,
                                    ofDomain == null ? domain : ofDomain,
                                    idle));
            added.add(folder, weightBytes, ofDomain);
            return id;
        } catch (DataException e) {
            throw AdminException.conflict("disk-refused", String.valueOf(e.getMessage()));
        } catch (IOException e) {
            throw AdminException.conflict(
                    "not-noted",
                    "the disk serves, but could not be noted for the next start: "
                            + e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw AdminException.unavailable("stopping", "this process is stopping");
        }
    }

    /// Whether every disk serves.
    ///
    /// @throws StartException where one never will
    boolean allServe() {
        for (DiskState disk : disks()) {
            if (disk.state().equals("failed") || disk.state().equals("refused")) {
                throw new StartException("disk %s: %s".formatted(disk.path(), disk.detail()));
            }
            if (!disk.state().equals("serving") && !disk.state().equals("removed")) {
                return false;
            }
        }
        return true;
    }

    @Override
    public void sample(Metrics.Sink sink) {
        for (NodeDisk disk : node.disks()) {
            on(
                    disk.loop(),
                    () -> {
                        sample(sink, disk);
                        return true;
                    });
        }
    }

    private void sample(Metrics.Sink sink, NodeDisk of) {
        Disk disk = of.disk();
        int id = disk.identity().diskId();
        String[] who = {"process", process.name, "disk", Integer.toString(id)};
        String labels = Metrics.labels(who);
        sink.gauge("comet_disk_used_bytes", "Space in use.", labels, disk.usedBytes());
        sink.gauge(
                "comet_disk_capacity_bytes",
                "Space that may be used.",
                labels,
                disk.capacityBytes());
        sink.gauge(
                "comet_disk_journal_used_ratio",
                "Share of the journal in use.",
                labels,
                (double) disk.journalUsedBytes() / disk.journalBytes());
        sink.gauge(
                "comet_disk_unsynced_bytes",
                "Data of changes that are not durable yet.",
                labels,
                disk.unsyncedBytes());
        sink.gauge(
                "comet_disk_pending_bytes",
                "Data in the journal that is kept in memory until it is in its place.",
                labels,
                disk.pendingBytes());
        sink.gauge("comet_disk_chunks", "Chunks on the disk.", labels, disk.chunkCount());
        sink.gauge("comet_disk_failed", "1 after an I/O error.", labels, disk.failed() ? 1 : 0);
        store(sink, labels, id, disk.counters());
        DiskServer server = node.served(of);
        if (server != null) {
            replica(sink, labels, id, server.counters());
        }
    }

    private void store(Metrics.Sink sink, String labels, int id, StoreCounters counters) {
        written(sink, id, "journal", counters.journalBytesWritten);
        written(sink, id, "segments", counters.segmentBytesWritten);
        written(sink, id, "index", counters.indexBytesWritten);
        sink.counter("comet_disk_checkpoints_total", "Checkpoints.", labels, counters.checkpoints);
        sink.counter(
                "comet_disk_journal_syncs_total",
                "Syncs of the journal.",
                labels,
                counters.journalSyncs);
        sink.counter(
                "comet_disk_corrupt_blocks_total",
                "Blocks that failed their checksum or could not be read.",
                labels,
                counters.corruptBlocks);
        sink.counter(
                "comet_disk_lost_blocks_total",
                "Blocks answered as lost.",
                labels,
                counters.lostBlocks);
        sink.histogram(
                "comet_disk_store_read_seconds",
                "Reads of the chunk store.",
                labels,
                counters.readLatency);
        sink.histogram(
                "comet_disk_store_sync_seconds",
                "From the wish for durability to its fulfilment.",
                labels,
                counters.syncLatency);
    }

    private void written(Metrics.Sink sink, int id, String kind, long bytes) {
        sink.counter(
                "comet_disk_written_bytes_total",
                "Bytes written to the device.",
                Metrics.labels("process", process.name, "disk", Integer.toString(id), "to", kind),
                bytes);
    }

    private void replica(Metrics.Sink sink, String labels, int id, ReplicaCounters counters) {
        operations(sink, id, "read", counters.reads, counters.readBytes);
        operations(sink, id, "write", counters.writes, counters.writeBytes);
        operations(sink, id, "sync", counters.syncs, 0);
        operations(sink, id, "open", counters.opens, 0);
        ScrubMetrics.sample(sink, labels, counters);
        sink.counter(
                "comet_disk_recovered_bytes_total",
                "Data copied from other replicas.",
                labels,
                counters.bytesCopied);
        sink.counter(
                "comet_disk_repaired_blocks_total",
                "Blocks repaired from another replica.",
                labels,
                counters.blocksRepaired);
        sink.counter(
                "comet_disk_promotions_total",
                "Placement groups that became in sync.",
                labels,
                counters.promotions);
        sink.histogram(
                "comet_disk_operation_seconds",
                "Time from a request's arrival to its answer.",
                Metrics.labels(
                        "process", process.name, "disk", Integer.toString(id), "operation", "read"),
                counters.readNs);
        sink.histogram(
                "comet_disk_operation_seconds",
                "Time from a request's arrival to its answer.",
                Metrics.labels(
                        "process", process.name, "disk", Integer.toString(id), "operation", "sync"),
                counters.syncNs);
    }

    private void operations(Metrics.Sink sink, int id, String operation, long count, long bytes) {
        String labels =
                Metrics.labels(
                        "process",
                        process.name,
                        "disk",
                        Integer.toString(id),
                        "operation",
                        operation);
        sink.counter("comet_disk_operations_total", "Requests answered.", labels, count);
        if (bytes > 0) {
            sink.counter("comet_disk_bytes_total", "Data of requests answered.", labels, bytes);
        }
    }
}
