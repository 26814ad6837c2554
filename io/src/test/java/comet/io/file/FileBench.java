package comet.io.file;

import comet.base.Buf;
import comet.base.Prng;
import comet.io.loop.EventLoop;
import comet.io.loop.Transport;
import comet.port.IoDone;
import comet.port.Media.Access;
import comet.port.MediaFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/// Measures operations on a file of one loop, by the ring and by threads in turn: microseconds and
/// CPU time of the whole process for each. Arguments: folder, transport, what (`sync`: 8 KiB
/// written and synced; `write`: 8 KiB around the page cache; `read`: 4 KiB around it; `cached`: 4
/// KiB written into it), depth, operations, rounds.
final class FileBench implements IoDone {
    private static final int FILE_BYTES = 256 << 20;

    private final MediaFile file;
    private final String what;
    private final Buf buf;
    private final Prng random = new Prng(1);
    private final CountDownLatch done = new CountDownLatch(1);
    private final int count;
    private int begun;
    private int ended;

    private FileBench(MediaFile file, String what, Buf buf, int count) {
        this.file = file;
        this.what = what;
        this.buf = buf;
        this.count = count;
    }

    public static void main(String[] arguments) throws Exception {
        Path folder = Files.createTempDirectory(Path.of(arguments[0]), "filebench");
        EventLoop loop = EventLoop.start("bench", Transport.of(arguments[1]), EventLoop.HALT);
        FilePool pool = new FilePool("file", 4);
        String what = arguments[2];
        int depth = Integer.parseInt(arguments[3]);
        int count = Integer.parseInt(arguments[4]);
        int rounds = Integer.parseInt(arguments[5]);
        List<MediaFile> files = new ArrayList<>();
        for (boolean ring : new boolean[] {true, false}) {
            Path own = Files.createDirectory(folder.resolve("ring-" + ring));
            FileMedia media =
                    FileMedia.open(
                            own,
                            new FileMedia.Options(
                                    null,
                                    ring ? FileMedia.Way.IO_URING : FileMedia.Way.THREADS,
                                    true),
                            loop,
                            pool);
            MediaFile file = created(loop, media, what);
            Buf megabyte = loop.call(() -> loop.bufs().take(1 << 20));
            for (int at = 0; at < FILE_BYTES; at += 1 << 20) {
                CountDownLatch written = new CountDownLatch(1);
                int position = at;
                loop.submit(() ->
                        file.write(
                                position, megabyte, 0, 1 << 20, (_, _) -> written.countDown(), 0));
                written.await();
            }
            files.add(file);
        }
        for (int round = 0; round < rounds; round++) {
            for (int i = 0; i < 2; i++) {
                FileBench bench =
                        new FileBench(
                                files.get(i), what, loop.call(() -> loop.bufs().take(8192)), count);
                long cpuNs = cpuNs();
                long beginNs = System.nanoTime();
                loop.submit(() -> {
                    for (int j = 0; j < depth; j++) {
                        bench.next();
                    }
                });
                bench.done.await(100, TimeUnit.SECONDS);
                System.out.printf(
                        "%s %s depth=%d %-7s %7.1f us each, %6.1f us of CPU%n",
                        loop.transport(),
                        what,
                        depth,
                        i == 0 ? "ring" : "threads",
                        (System.nanoTime() - beginNs) / 1e3 / count,
                        (cpuNs() - cpuNs) / 1e3 / count);
            }
        }
        for (MediaFile file : files) {
            loop.call(() -> {
                file.close();
                return true;
            });
        }
        pool.close();
        loop.close();
        for (String ring : List.of("ring-true", "ring-false")) {
            Files.delete(folder.resolve(ring).resolve("f"));
            Files.delete(folder.resolve(ring).resolve("lock"));
            Files.delete(folder.resolve(ring));
        }
        Files.delete(folder);
    }

    private static MediaFile created(EventLoop loop, FileMedia media, String what)
            throws InterruptedException {
        AtomicReference<@Nullable MediaFile> made = new AtomicReference<>();
        CountDownLatch opened = new CountDownLatch(1);
        Access access = what.equals("cached") ? Access.CACHED : Access.DIRECT;
        loop.submit(() ->
                media.create(
                        "f",
                        FILE_BYTES,
                        access,
                        (file, _) -> {
                            made.set(file);
                            opened.countDown();
                        }));
        opened.await();
        MediaFile file = made.get();
        if (file == null) {
            throw new IllegalStateException("no file");
        }
        return file;
    }

    private static long cpuNs() {
        return ((com.sun.management.OperatingSystemMXBean)
                        java.lang.management.ManagementFactory.getOperatingSystemMXBean())
                .getProcessCpuTime();
    }

    private void next() {
        if (begun == count) {
            return;
        }
        begun++;
        long at = random.nextInt(FILE_BYTES / 8192) * 8192L;
        switch (what) {
            case "sync" -> file.writeAndSync(at, buf, 0, 8192, this, 0);
            case "write" -> file.write(at, buf, 0, 8192, this, 0);
            case "read" -> file.read(at, buf, 0, 4096, this, 0);
            case "cached" -> file.write(at, buf, 0, 4096, this, 0);
            default -> throw new IllegalArgumentException(what);
        }
    }

    @Override
    public void done(long token, int result) {
        if (result <= 0) {
            throw new IllegalStateException("result " + result);
        }
        if (++ended == count) {
            done.countDown();
        } else {
            next();
        }
    }
}
