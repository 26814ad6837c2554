package comet.io.index;

import comet.io.file.FilePool;
import comet.io.loop.EventLoop;
import comet.port.Index.Change;
import comet.port.Media.MediaException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// A process that commits the same rows again and again and says so on standard output, until it is
/// killed.
final class Committer {
    static final int ROWS = 200;

    private Committer() {}

    public static void main(String[] arguments) throws MediaException, InterruptedException {
        EventLoop loop = EventLoop.start("committer");
        RocksIndex index =
                RocksIndex.open(
                        Path.of(arguments[0]).resolve("index"),
                        loop,
                        new FilePool("committer", 1),
                        new IndexMemory(1 << 20, 1 << 20));
        loop.submit(() -> commit(loop, index, 1));
        // Ended by its parent; if that is gone, by time.
        Thread.sleep(30_000);
        Runtime.getRuntime().halt(1);
    }

    private static void commit(EventLoop loop, RocksIndex index, long round) {
        List<Change> changes = new ArrayList<>();
        for (int key = 0; key < ROWS; key++) {
            changes.add(RocksIndexTest.put(key, round));
        }
        index.commit(
                changes,
                (_, result) -> {
                    if (result == 0) {
                        System.out.println(round);
                        loop.execute(() -> commit(loop, index, round + 1));
                    }
                },
                0);
    }
}
