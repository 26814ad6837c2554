package comet.io.index;

import comet.base.Prng;
import comet.index.FlatIndex;
import comet.io.file.FileMedia;
import comet.io.file.FilePool;
import comet.io.loop.EventLoop;
import comet.port.Index;
import comet.port.Index.Change;
import comet.port.Loop;
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
    private static final int GETS = 20_000;

    private final Path folder;
    private final int chunks;
    private final Prng prng = new Prng(1);
    private final EventLoop loop = EventLoop.start("bench");
    private final FilePool pool = new FilePool("bench-file", 4);
    private final FileMedia media;
    private final TimedLoop timed = new TimedLoop();
    private Index index;
    private long version = 1;

    private IndexBench(Path folder, int chunks) throws MediaException {
        this.folder = folder;
        this.chunks = chunks;
        media =
                FileMedia.open(
                        folder, new FileMedia.Options(null, FileMedia.Way.AUTO, true), loop, pool);
        index = open();
    }

    /// @param arguments a folder, GiB, rounds, commits a round
    public static void main(String[] arguments) throws Exception {
        Path folder = Files.createDirectories(Path.of(arguments[0]));
        int chunks = Integer.parseInt(arguments[1]) * 256;
        IndexBench bench = new IndexBench(folder, chunks);
        bench.fill();
        for (int round = 0; round < Integer.parseInt(arguments[2]); round++) {
            bench.round(round, Integer.parseInt(arguments[3]));
        }
        bench.gets();
        bench.reopen();
        System.exit(0);
    }

    private Index open() {
        CompletableFuture<Index> opened = new CompletableFuture<>();
        loop.submit(() ->
                FlatIndex.open(
                        media,
                        timed,
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
        loop.<String>call(timed::said);
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
        meter.quiet();
        meter.say("round " + number, (long) commits * SLICE_PAGES);
        Arrays.sort(tookNs);
        System.out.printf(
                "  commit median %.1f ms, longest %.1f ms; %s%n",
                tookNs[commits / 2] / 1e6,
                tookNs[commits - 1] / 1e6,
                loop.<String>call(timed::said));
        space();
    }

    /// Counts the CPU time of each piece of work that the index has the loop do: for so long others
    /// wait. (What it does at the end of an operation on a file is not among it.)
    private final class TimedLoop implements Loop {
        private final long[] tookNs = new long[1 << 20];
        private int count;

        @Override
        public long nowNs() {
            return loop.nowNs();
        }

        @Override
        public void execute(Runnable work) {
            loop.execute(timed(work));
        }

        @Override
        public Timer schedule(long delayNs, Runnable work) {
            return loop.schedule(delayNs, timed(work));
        }

        private Runnable timed(Runnable work) {
            return () -> {
                long sinceNs = cpuNs();
                work.run();
                if (count < tookNs.length) {
                    tookNs[count++] = cpuNs() - sinceNs;
                }
            };
        }

        /// Of the loop. The pieces' number, median, 99th percentile and maximum.
        String said() {
            if (count == 0) {
                return "no turns";
            }
            Arrays.sort(tookNs, 0, count);
            String text =
                    String.format(
                            "%d turns, CPU median %.0f, p99 %.0f, longest %.0f us",
                            count,
                            tookNs[count / 2] / 1e3,
                            tookNs[count * 99 / 100] / 1e3,
                            tookNs[count - 1] / 1e3);
            count = 0;
            return text;
        }
    }

    private static long cpuNs() {
        return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
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

    private void reopen() throws IOException {
        loop.<Boolean>call(() -> {
            index.close();
            return true;
        });
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
