package comet.io.index;

import comet.base.Prng;
import comet.index.FlatIndex;
import comet.io.file.FileMedia;
import comet.io.file.FilePool;
import comet.io.loop.EventLoop;
import comet.port.Index;
import comet.port.Index.Change;
import comet.port.Media.MediaException;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/// What the index of a disk costs: fills one as random 4K writes over some GiB of chunks would,
/// then commits as checkpoints do, in rounds over all chunks. Run by `bench/index`.
final class IndexBench {
    private static final int SLICE_PAGES = 2048;
    private static final int PAGES_PER_CHUNK = 8;
    private static final int PAGE_BYTES = 16 + 128 * 24;
    private static final int HEADER_BYTES = 37;
    private static final long TICK_NS = 500_000;
    private static final int GETS = 20_000;

    private final boolean flat;
    private final Path folder;
    private final int chunks;
    private final Prng prng = new Prng(1);
    private final EventLoop loop = EventLoop.start("bench");
    private final FilePool pool = new FilePool("bench-file", 4);
    private final FileMedia media;
    private Index index;
    private long version = 1;

    /// Of the loop: how late its timer was at worst, and in all.
    private long lateNsMax;

    private long[] lates = new long[1 << 20];
    private int lateCount;

    private IndexBench(boolean flat, Path folder, int chunks) throws MediaException {
        this.flat = flat;
        this.folder = folder;
        this.chunks = chunks;
        media =
                FileMedia.open(
                        folder, new FileMedia.Options(null, FileMedia.Way.AUTO, true), loop, pool);
        index = open();
    }

    /// @param arguments flat or rocks, a folder, GiB, rounds, commits a round
    public static void main(String[] arguments) throws Exception {
        Path folder = Files.createDirectories(Path.of(arguments[1]));
        int chunks = Integer.parseInt(arguments[2]) * 256;
        IndexBench bench = new IndexBench(arguments[0].equals("flat"), folder, chunks);
        bench.fill();
        for (int round = 0; round < Integer.parseInt(arguments[3]); round++) {
            bench.round(round, Integer.parseInt(arguments[4]));
        }
        bench.gets();
        bench.reopen();
        Runtime.getRuntime().halt(0);
    }

    private Index open() throws MediaException {
        if (!flat) {
            return RocksIndex.open(folder.resolve("index"), loop, pool, IndexMemory.DEFAULT);
        }
        CompletableFuture<Index> opened = new CompletableFuture<>();
        loop.submit(() ->
                FlatIndex.open(
                        media,
                        loop,
                        loop.bufs(),
                        (made, error) -> {
                            if (made == null) {
                                opened.completeExceptionally(new IllegalStateException(error));
                            } else {
                                opened.complete(made);
                            }
                        }));
        return opened.join();
    }

    // Rows as those of a disk.

    private Change page(int chunk, int page) {
        ByteBuffer key = ByteBuffer.allocate(18).put((byte) 'P').putLong(1).putInt(chunk).putInt(1);
        key.put((byte) page);
        ByteBuffer value = ByteBuffer.allocate(PAGE_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        value.putLong(0).putLong(++version);
        while (value.hasRemaining()) {
            long random = prng.nextLong();
            value.putLong(1L << 40 | version - (random >>> 48));
            value.putInt((int) random);
            value.putInt(1 + (int) (random >>> 32 & 0x3FF));
            value.putInt((int) (random >>> 42 & 0x3FFFF) << 12);
            value.put((byte) 2).put((byte) 0).putShort((short) 4096);
        }
        return new Change(key.array(), value.array());
    }

    private Change header(int chunk) {
        ByteBuffer key = ByteBuffer.allocate(13).put((byte) 'H').putLong(1).putInt(chunk);
        ByteBuffer value = ByteBuffer.allocate(HEADER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        value.putLong(version).putLong(1L << 40 | version).putInt(chunk & 8191);
        value.putShort((short) 1).putShort((short) 1).putInt(1).putInt(0).putInt(1).put((byte) -1);
        return new Change(key.array(), value.array());
    }

    // What is done.

    private void fill() throws IOException {
        long sinceNs = System.nanoTime();
        Meter meter = new Meter();
        int perCommit = SLICE_PAGES / PAGES_PER_CHUNK;
        for (int first = 0; first < chunks; first += perCommit) {
            List<Change> changes = new ArrayList<>();
            for (int chunk = first; chunk < Math.min(chunks, first + perCommit); chunk++) {
                for (int page = 0; page < PAGES_PER_CHUNK; page++) {
                    changes.add(page(chunk, page));
                }
                changes.add(header(chunk));
            }
            commit(changes);
        }
        meter.quiet();
        meter.say("fill", (long) chunks * PAGES_PER_CHUNK);
        System.out.printf(
                "  %d page rows, %d headers, %.1f s%n",
                (long) chunks * PAGES_PER_CHUNK, chunks, (System.nanoTime() - sinceNs) / 1e9);
        space();
    }

    /// A checkpoint of random writes to all chunks: each commit has those of a part of them, in
    /// order.
    private void round(int number, int commits) throws IOException {
        long[] tookNs = new long[commits];
        loop.submit(this::tick);
        Meter meter = new Meter();
        for (int n = 0; n < commits; n++) {
            int first = (int) ((long) chunks * n / commits);
            int behind = (int) ((long) chunks * (n + 1) / commits);
            int[] pages = new int[SLICE_PAGES];
            for (int i = 0; i < SLICE_PAGES; i++) {
                pages[i] =
                        first * PAGES_PER_CHUNK + prng.nextInt((behind - first) * PAGES_PER_CHUNK);
            }
            Arrays.sort(pages);
            List<Change> changes = new ArrayList<>();
            for (int i = 0; i < SLICE_PAGES; i++) {
                int chunk = pages[i] / PAGES_PER_CHUNK;
                changes.add(page(chunk, pages[i] % PAGES_PER_CHUNK));
                if (i + 1 == SLICE_PAGES || pages[i + 1] / PAGES_PER_CHUNK != chunk) {
                    changes.add(header(chunk));
                }
            }
            long sinceNs = System.nanoTime();
            commit(changes);
            tookNs[n] = System.nanoTime() - sinceNs;
        }
        loop.<Boolean>call(() -> ticking = false);
        meter.quiet();
        meter.say("round " + number, (long) commits * SLICE_PAGES);
        Arrays.sort(tookNs);
        Arrays.sort(lates, 0, lateCount);
        System.out.printf(
                "  commit median %.1f ms, longest %.1f ms; loop late p99.9 %.2f ms, longest %.2f"
                        + " ms; turns longest %.2f ms CPU%n",
                tookNs[commits / 2] / 1e6,
                tookNs[commits - 1] / 1e6,
                lates[(int) (lateCount * 0.999)] / 1e6,
                lateNsMax / 1e6,
                busyNsMax / 1e6);
        lateCount = 0;
        lateNsMax = 0;
        busyNsMax = 0;
        space();
    }

    private boolean ticking;
    private long busyNsMax;

    private void tick() {
        ticking = true;
        later(System.nanoTime() + TICK_NS, cpuNs());
    }

    private static long cpuNs() {
        return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
    }

    /// How late a timer is says how long the loop kept others waiting; what of that was work of its
    /// own, and no waiting for a processor, says the thread's CPU time.
    private void later(long dueNs, long cpuBeforeNs) {
        loop.schedule(
                TICK_NS,
                () -> {
                    long late = System.nanoTime() - dueNs;
                    long cpu = cpuNs();
                    lateNsMax = Math.max(lateNsMax, late);
                    busyNsMax = Math.max(busyNsMax, Math.min(late, cpu - cpuBeforeNs));
                    if (lateCount < lates.length) {
                        lates[lateCount++] = late;
                    }
                    if (ticking) {
                        later(System.nanoTime() + TICK_NS, cpu);
                    }
                });
    }

    private void commit(List<Change> changes) {
        CompletableFuture<Integer> done = new CompletableFuture<>();
        loop.submit(() -> index.commit(changes, (_, result) -> done.complete(result), 0));
        if (done.join() != 0) {
            throw new IllegalStateException("commit: " + done.join());
        }
    }

    private void gets() throws IOException {
        Meter meter = new Meter();
        CompletableFuture<Boolean> done = new CompletableFuture<>();
        int[] left = {GETS, GETS};
        loop.submit(() -> {
            for (int i = 0; i < 32; i++) {
                get(left, done);
            }
        });
        done.join();
        meter.say("get", GETS);
    }

    private void get(int[] left, CompletableFuture<Boolean> done) {
        if (left[0]-- <= 0) {
            return;
        }
        byte[] key =
                ByteBuffer.allocate(18)
                        .put((byte) 'P')
                        .putLong(1)
                        .putInt(prng.nextInt(chunks))
                        .putInt(1)
                        .put((byte) prng.nextInt(PAGES_PER_CHUNK))
                        .array();
        index.get(
                key,
                (value, errno) -> {
                    if (value == null || errno != 0) {
                        done.completeExceptionally(new IllegalStateException("get: " + errno));
                    }
                    if (--left[1] == 0) {
                        done.complete(true);
                    }
                    get(left, done);
                });
    }

    private void reopen() throws IOException, MediaException {
        if (flat) {
            loop.<Boolean>call(() -> {
                index.close();
                return true;
            });
        } else {
            index.close();
        }
        Meter meter = new Meter();
        long sinceNs = System.nanoTime();
        index = open();
        long openNs = System.nanoTime() - sinceNs;
        int[] headers = new int[1];
        CompletableFuture<Integer> done = new CompletableFuture<>();
        loop.submit(() ->
                index.scan(
                        new byte[] {'H'},
                        new byte[] {'I'},
                        (_, _) -> ++headers[0] > 0,
                        (_, result) -> done.complete(result),
                        0));
        done.join();
        System.out.printf(
                "  open %.0f ms, with a scan of %d headers %.0f ms%n",
                openNs / 1e6, headers[0], (System.nanoTime() - sinceNs) / 1e6);
        meter.say("open", 1);
        space();
    }

    private void space() throws IOException {
        System.gc();
        long heap = ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
        long bytes = 0;
        try (Stream<Path> files = Files.walk(folder)) {
            for (Iterator<Path> file = files.iterator(); file.hasNext(); ) {
                bytes += ((Number) Files.getAttribute(file.next(), "unix:size")).longValue();
            }
        }
        String pages = index instanceof FlatIndex own ? " in use " + (own.usedPages() >> 8) : "";
        System.out.printf(
                "  heap %d MiB, RSS %d MiB, folder %d MiB%s%n",
                heap >> 20, counter("status", "VmRSS") >> 10, bytes >> 20, pages);
    }

    private static long counter(String file, String name) throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/self", file))) {
            if (line.startsWith(name + ":")) {
                return Long.parseLong(line.replaceAll("[^0-9]", ""));
            }
        }
        return 0;
    }

    /// CPU and bytes written of the process from its making on, without what the main thread spent
    /// on making rows.
    private static final class Meter {
        private final com.sun.management.OperatingSystemMXBean system =
                ManagementFactory.getPlatformMXBean(com.sun.management.OperatingSystemMXBean.class);
        private final long cpuNs = system.getProcessCpuTime() - cpuNs();
        private final long written = counter("io", "write_bytes");
        private final long sinceNs = System.nanoTime();
        private long spentNs;

        Meter() throws IOException {}

        /// Waits until nothing works in the background any more.
        void quiet() throws IOException {
            spentNs = System.nanoTime() - sinceNs;
            long before = -1;
            long now = counter("io", "write_bytes");
            while (now != before) {
                before = now;
                try {
                    TimeUnit.SECONDS.sleep(2);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
                now = counter("io", "write_bytes");
            }
        }

        void say(String what, long updates) throws IOException {
            double cpu = system.getProcessCpuTime() - cpuNs() - cpuNs;
            System.out.printf(
                    "%s: %.2f us CPU, %.0f bytes written an update; %.1f s%n",
                    what,
                    cpu / 1e3 / updates,
                    (double) (counter("io", "write_bytes") - written) / updates,
                    (spentNs == 0 ? System.nanoTime() - sinceNs : spentNs) / 1e9);
        }
    }
}
