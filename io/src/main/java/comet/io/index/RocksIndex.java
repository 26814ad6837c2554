package comet.io.index;

import comet.base.Check;
import comet.io.file.FilePool;
import comet.io.loop.EventLoop;
import comet.port.Errno;
import comet.port.Index;
import comet.port.IoDone;
import comet.port.Media.MediaException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.rocksdb.FlushOptions;
import org.rocksdb.ReadOptions;
import org.rocksdb.ReadTier;
import org.rocksdb.RocksDB;
import org.rocksdb.RocksDBException;
import org.rocksdb.RocksIterator;
import org.rocksdb.Slice;
import org.rocksdb.Status;
import org.rocksdb.WriteBatch;
import org.rocksdb.WriteOptions;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// A disk's index on RocksDB, in one column family and without its write-ahead log: the disk's
/// journal is that log. A commit is one batch, which lies whole in one memtable, and a flush that
/// is waited for, after which the table file and the manifest that names it are synced; a crash
/// before that shows the state before the commit, or after it.
///
/// Rows that the block cache or the memtable holds are answered from the loop itself; for others a
/// file thread reads. Keys compare as unsigned bytes (RocksDB's default).
public final class RocksIndex implements Index {
    private static final Logger LOG = LoggerFactory.getLogger(RocksIndex.class);

    static {
        RocksDB.loadLibrary();
    }

    private static final long CLOSE_PATIENCE_NS = TimeUnit.SECONDS.toNanos(30);

    /// Loads the native library, which the first use would do as well.
    public static void load() {
        RocksDB.loadLibrary();
    }

    private final Path folder;
    private final EventLoop loop;
    private final FilePool pool;
    private final RocksSettings settings;
    private final RocksDB db;
    private final ReadOptions cachedOnly =
            new ReadOptions().setReadTier(ReadTier.BLOCK_CACHE_TIER).setVerifyChecksums(true);
    private final ReadOptions anywhere = new ReadOptions().setVerifyChecksums(true);
    private final WriteOptions unlogged = new WriteOptions().setDisableWAL(true);
    private final FlushOptions flushAndWait =
            new FlushOptions().setWaitForFlush(true).setAllowWriteStall(true);
    private final ExecutorService commits;

    /// Reads on file threads.
    private final AtomicInteger readsUnderWay = new AtomicInteger();

    private boolean commitUnderWay;

    private volatile boolean toldFull;

    private RocksIndex(
            Path folder, EventLoop loop, FilePool pool, RocksSettings settings, RocksDB db) {
        this.folder = folder;
        this.loop = loop;
        this.pool = pool;
        this.settings = settings;
        this.db = db;
        commits =
                Executors.newSingleThreadExecutor(
                        Thread.ofPlatform().daemon().name("index-commit-", 0).factory());
    }

    /// Opens the index in `folder`, which is made where it is missing. Blocking.
    ///
    /// @throws MediaException with words for people
    public static RocksIndex open(Path folder, EventLoop loop, FilePool pool, IndexMemory memory)
            throws MediaException {
        RocksSettings settings = null;
        boolean opened = false;
        try {
            settings = new RocksSettings(memory);
            Files.createDirectories(folder);
            RocksDB db = RocksDB.open(settings.options(), folder.toString());
            opened = true;
            return new RocksIndex(folder, loop, pool, settings, db);
        } catch (IOException | RocksDBException e) {
            throw new MediaException("cannot open the index " + folder + ": " + e.getMessage());
        } finally {
            if (!opened && settings != null) {
                settings.close();
            }
        }
    }

    @Override
    public void get(byte[] key, Row done) {
        try {
            byte[] value = db.get(cachedOnly, key);
            loop.execute(() -> done.row(value, Errno.OK));
        } catch (RocksDBException e) {
            if (code(e) != Status.Code.Incomplete) {
                int errno = errno(e);
                loop.execute(() -> done.row(null, errno));
                return;
            }
            readsUnderWay.incrementAndGet();
            pool.execute(() -> getOnThread(key, done));
        }
    }

    /// Holds the loop while it runs.
    @Override
    public void scan(byte[] from, byte[] to, Rows rows, IoDone done, long token) {
        int result = scanNow(from, to, rows);
        loop.execute(() -> done.done(token, result));
    }

    private int scanNow(byte[] from, byte[] to, Rows rows) {
        try (Slice end = new Slice(to);
                ReadOptions bounded =
                        new ReadOptions()
                                .setIterateUpperBound(end)
                                .setVerifyChecksums(true)
                                .setFillCache(true);
                RocksIterator at = db.newIterator(bounded)) {
            at.seek(from);
            while (at.isValid() && rows.row(at.key(), at.value())) {
                at.next();
            }
            at.status();
            return Errno.OK;
        } catch (RocksDBException e) {
            return -errno(e);
        }
    }

    @Override
    public void commit(List<Change> changes, IoDone done, long token) {
        Check.that(!commitUnderWay, "one commit at a time");
        commitUnderWay = true;
        commits.execute(() -> {
            int result = commitOnThread(changes);
            loop.submit(() -> {
                commitUnderWay = false;
                done.done(token, result);
            });
        });
    }

    /// Ends it; what is under way ends first (after an error of the device reads may be). Blocking:
    /// stop only.
    @Override
    public void close() {
        commits.shutdown();
        try {
            long endNs = System.nanoTime() + CLOSE_PATIENCE_NS;
            boolean ended = commits.awaitTermination(CLOSE_PATIENCE_NS, TimeUnit.NANOSECONDS);
            while (ended && readsUnderWay.get() > 0 && System.nanoTime() < endNs) {
                Thread.sleep(1);
            }
            if (!ended || readsUnderWay.get() > 0) {
                LOG.error("a call does not end, the index stays open folder={}", folder);
                return;
            }
        } catch (InterruptedException e) {
            // Memory that a thread may still use is not given back.
            Thread.currentThread().interrupt();
            return;
        }
        db.close();
        cachedOnly.close();
        anywhere.close();
        unlogged.close();
        flushAndWait.close();
        settings.close();
    }

    private void getOnThread(byte[] key, Row done) {
        byte @Nullable [] value = null;
        int errno = Errno.OK;
        try {
            value = db.get(anywhere, key);
        } catch (RocksDBException e) {
            errno = errno(e);
        }
        readsUnderWay.decrementAndGet();
        byte @Nullable [] found = value;
        int outcome = errno;
        loop.submit(() -> done.row(found, outcome));
    }

    private int commitOnThread(List<Change> changes) {
        try (WriteBatch batch = new WriteBatch()) {
            for (Change change : changes) {
                byte[] value = change.value();
                if (value == null) {
                    batch.delete(change.key());
                } else {
                    batch.put(change.key(), value);
                }
            }
            db.write(unlogged, batch);
            db.flush(flushAndWait);
            toldFull = false;
            return 0;
        } catch (RocksDBException e) {
            return -errno(e);
        }
    }

    private int errno(RocksDBException e) {
        Status status = e.getStatus();
        boolean full = status != null && status.getSubCode() == Status.SubCode.NoSpace;
        // Commits without space are repeated; once is enough to say it.
        if (!full || !toldFull) {
            LOG.error("the index failed folder={}", folder, e);
        }
        toldFull = full;
        return full ? Errno.ENOSPC : Errno.EIO;
    }

    private static Status.@Nullable Code code(RocksDBException e) {
        Status status = e.getStatus();
        return status == null ? null : status.getCode();
    }
}
