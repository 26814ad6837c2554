package comet.store;

import comet.base.BufPool;
import comet.base.Check;
import comet.port.Events;
import comet.port.Index;
import comet.port.Loop;
import comet.port.Media;
import org.jspecify.annotations.Nullable;

/// What the parts of one disk share: the world, and each other. Filled in by [DiskOpen] in the
/// order of the fields.
final class DiskParts {
    final Media media;
    final Index index;
    final Loop loop;
    final BufPool pool;
    final StoreConfig config;
    final Events events;
    final DiskIdentity identity;
    final StoreCounters counters = new StoreCounters();
    final Pending pending = new Pending();
    final Headers headers;
    final Changes changes;
    final PageCache pages;
    final Segments segments;
    private @Nullable Journal journal;
    private @Nullable Failing failing;

    private boolean failed;

    /// Reads and listings under way, which use the index and the files.
    private int reads;

    private @Nullable Runnable allRead;

    /// The ring's tail as the index has it.
    RingPlace tail = RingPlace.FIRST;

    /// Told of an error after which the disk must not go on.
    interface Failing {
        void fail(String what, int errno);
    }

    DiskParts(
            Media media,
            Index index,
            Loop loop,
            BufPool pool,
            StoreConfig config,
            Events events,
            DiskIdentity identity) {
        this.media = media;
        this.index = index;
        this.loop = loop;
        this.pool = pool;
        this.config = config;
        this.events = events;
        this.identity = identity;
        headers = new Headers(identity.pgCount());
        changes = new Changes(headers, pending);
        pages = new PageCache(index, config.pageCacheBytes(), counters);
        segments = new Segments(media, loop, config, events, pending);
    }

    Journal journal() {
        Journal found = journal;
        if (found == null) {
            throw Check.failed("the journal is not open yet");
        }
        return found;
    }

    void opened(Journal journal, Failing failing) {
        this.journal = journal;
        this.failing = failing;
    }

    boolean hasFailed() {
        return failed;
    }

    /// The ring is so full that the checkpoint no longer waits for guests.
    boolean isPressed() {
        return journal().usedBytes() > journal().ringBytes() / 4 * 3;
    }

    /// A read or a listing begins; index and files stay open until its [#readEnded].
    void readBegan() {
        reads++;
    }

    void readEnded() {
        Check.that(reads > 0, "a read ended twice");
        reads--;
        Runnable told = allRead;
        if (reads == 0 && told != null) {
            loop.execute(told);
        }
    }

    boolean isBeingRead() {
        return reads > 0;
    }

    /// The disk is being closed: no read begins any more. Runs `work`, later, when the last one
    /// under way has ended.
    void whenAllRead(Runnable work) {
        allRead = work;
    }

    boolean refusesReads() {
        return allRead != null;
    }

    /// The disk goes read-only.
    void fail(String what, int errno) {
        if (failing == null) {
            throw Check.failed("failed before it was open: " + what);
        }
        if (failed) {
            return;
        }
        failed = true;
        failing.fail(what, errno);
    }
}
