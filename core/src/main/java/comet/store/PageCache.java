package comet.store;

import comet.base.Check;
import comet.base.Prng;
import comet.port.Index;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Index pages in memory: the least recently used ones leave when the bound is reached. A page that
/// is being loaded, or that somebody holds, stays.
///
/// Pages are never changed in place. A checkpoint replaces a page here in the same turn in which it
/// forgets the changes that the page now contains, also where a load of the old one is under way:
/// whoever looks a block up sees the changes in exactly one of the two places.
final class PageCache {
    /// Told that a page is there (or could not be read: [Page#errno]).
    interface Waiter {
        void pageLoaded(Page page);
    }

    /// One page; [#row] is null while it is being loaded.
    static final class Page {
        final long volumeId;
        final int chunkIndex;
        final int generation;
        final int number;
        byte @Nullable [] row;
        int errno;
        private int holds;
        private @Nullable List<Waiter> waiters;
        private @Nullable Page nextInSlot;
        private Page newer = this;
        private Page older = this;

        private Page(long volumeId, int chunkIndex, int generation, int number) {
            this.volumeId = volumeId;
            this.chunkIndex = chunkIndex;
            this.generation = generation;
            this.number = number;
        }

        private boolean is(long volumeId, int chunkIndex, int generation, int number) {
            return this.volumeId == volumeId
                    && this.chunkIndex == chunkIndex
                    && this.generation == generation
                    && this.number == number;
        }
    }

    private static final int PAGE_MEMORY_BYTES = IndexPage.BYTES + 120;

    private final Index index;
    private final StoreCounters counters;
    private final int pagesMax;
    private @Nullable Page[] slots = new @Nullable Page[256];
    private int count;

    /// Ends of the ring of pages: `use.older` is the newest, `use.newer` the oldest.
    private final Page use = new Page(0, 0, 0, 0);

    PageCache(Index index, long bytesMax, StoreCounters counters) {
        this.index = index;
        this.counters = counters;
        pagesMax = (int) Math.max(8, bytesMax / PAGE_MEMORY_BYTES);
    }

    /// The page if it is in memory, or null.
    byte @Nullable [] peek(Header header, int generation, int number) {
        Page page = find(header.volumeId, header.chunkIndex, generation, number);
        if (page == null || page.row == null) {
            return null;
        }
        toNewest(page);
        return page.row;
    }

    /// Holds a page and has it loaded where it is not there; `waiter` is told, later, where this
    /// page's `row` is still null now. To be given back by [#release].
    Page hold(Header header, int generation, int number, Waiter waiter) {
        Page page = find(header.volumeId, header.chunkIndex, generation, number);
        if (page == null) {
            counters.pageMisses++;
            page = add(header.volumeId, header.chunkIndex, generation, number);
            load(page);
        } else {
            counters.pageHits++;
            toNewest(page);
        }
        page.holds++;
        if (page.row == null) {
            List<Waiter> waiters = page.waiters;
            if (waiters == null) {
                waiters = new ArrayList<>(2);
                page.waiters = waiters;
            }
            waiters.add(waiter);
        }
        return page;
    }

    void release(Page page) {
        Check.that(page.holds > 0, "page released twice");
        page.holds--;
    }

    /// The checkpoint has made a new page durable (or removed it: then [IndexPage#EMPTY]). Changes
    /// what is here, or is just being loaded.
    void replace(Header header, int generation, int number, byte[] row) {
        Page page = find(header.volumeId, header.chunkIndex, generation, number);
        if (page != null) {
            page.row = row;
        }
    }

    private void load(Page page) {
        byte[] key =
                IndexRows.pageKey(page.volumeId, page.chunkIndex, page.generation, page.number);
        index.get(key, (value, errno) -> loaded(page, value, errno));
    }

    private void loaded(Page page, byte @Nullable [] value, int errno) {
        if (page.row == null) {
            byte[] row = value == null ? IndexPage.EMPTY : IndexPage.expand(value);
            page.errno = row == null ? comet.port.Errno.EIO : errno;
            page.row = row == null ? IndexPage.EMPTY : row;
        }
        if (page.errno != 0) {
            remove(page); // first, so that nobody finds it
        }
        List<Waiter> waiters = page.waiters;
        page.waiters = null;
        if (waiters != null) {
            for (Waiter waiter : waiters) {
                waiter.pageLoaded(page);
            }
        }
    }

    private @Nullable Page find(long volumeId, int chunkIndex, int generation, int number) {
        Page page = slots[slot(volumeId, chunkIndex, generation, number)];
        while (page != null && !page.is(volumeId, chunkIndex, generation, number)) {
            page = page.nextInSlot;
        }
        return page;
    }

    private Page add(long volumeId, int chunkIndex, int generation, int number) {
        evict();
        if (count >= slots.length) {
            grow();
        }
        Page page = new Page(volumeId, chunkIndex, generation, number);
        int slot = slot(volumeId, chunkIndex, generation, number);
        page.nextInSlot = slots[slot];
        slots[slot] = page;
        count++;
        link(page);
        return page;
    }

    /// Makes room, looking at a few of the oldest pages only: those that are held come back later.
    private void evict() {
        int tries = 4;
        while (count >= pagesMax && tries-- > 0) {
            Page oldest = use.newer;
            if (oldest.holds > 0 || oldest.row == null) {
                toNewest(oldest);
            } else {
                remove(oldest);
            }
        }
    }

    private void remove(Page page) {
        int slot = slot(page.volumeId, page.chunkIndex, page.generation, page.number);
        Page at = slots[slot];
        if (at == page) {
            slots[slot] = page.nextInSlot;
        } else {
            while (at != null && at.nextInSlot != page) {
                at = at.nextInSlot;
            }
            if (at == null) {
                return;
            }
            at.nextInSlot = page.nextInSlot;
        }
        page.nextInSlot = null;
        unlink(page);
        count--;
    }

    private void grow() {
        @Nullable Page[] old = slots;
        slots = new @Nullable Page[old.length * 2];
        for (Page first : old) {
            for (Page page = first; page != null; ) {
                Page next = page.nextInSlot;
                int slot = slot(page.volumeId, page.chunkIndex, page.generation, page.number);
                page.nextInSlot = slots[slot];
                slots[slot] = page;
                page = next;
            }
        }
    }

    private void toNewest(Page page) {
        unlink(page);
        link(page);
    }

    private void link(Page page) {
        page.older = use.older;
        page.newer = use;
        use.older.newer = page;
        use.older = page;
    }

    private static void unlink(Page page) {
        page.older.newer = page.newer;
        page.newer.older = page.older;
        page.older = page;
        page.newer = page;
    }

    private int slot(long volumeId, int chunkIndex, int generation, int number) {
        long hash = Prng.mix(volumeId * 31 + chunkIndex) + generation * 8L + number;
        return (int) Prng.mix(hash) & slots.length - 1;
    }
}
