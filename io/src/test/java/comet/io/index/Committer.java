package comet.io.index;

import comet.base.Check;
import comet.index.FlatIndex;
import comet.io.file.FileMedia;
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
        FileMedia media =
                IndexFilesTest.media(Path.of(arguments[0]), loop, new FilePool("file", 1));
        loop.submit(() ->
                FlatIndex.open(
                        media,
                        loop,
                        loop.bufs(),
                        (index, error) -> {
                            Check.that(index != null, String.valueOf(error));
                            if (index != null) {
                                commit(loop, index, 1);
                            }
                        }));
        // Ended by its parent; if that is gone, by time.
        Thread.sleep(30_000);
        Runtime.getRuntime().halt(1);
    }

    private static void commit(EventLoop loop, FlatIndex index, long round) {
        List<Change> changes = new ArrayList<>();
        for (int key = 0; key < ROWS; key++) {
            changes.add(IndexFilesTest.put(key, round));
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
