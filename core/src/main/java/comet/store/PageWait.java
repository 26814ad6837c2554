package comet.store;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// Base of what needs index pages in memory all at one moment: holds those that are there, has the
/// others loaded, and goes on when the last one has come.
abstract class PageWait implements PageCache.Waiter {
    private final PageCache cache;
    private PageCache.@Nullable Page[] held = new PageCache.@Nullable Page[8];
    private int heldCount;
    private int waiting;
    private int errno;

    PageWait(PageCache cache) {
        this.cache = cache;
    }

    /// All pages asked for are in memory.
    ///
    /// @param errno 0, or why one of them could not be read
    abstract void pagesLoaded(int errno);

    /// Wants a page; where it is not there now, [#isWaiting].
    void want(Header header, int generation, int page) {
        if (heldCount == held.length) {
            held = Arrays.copyOf(held, 2 * heldCount);
        }
        PageCache.Page wanted = cache.hold(header, generation, page, this);
        held[heldCount++] = wanted;
        if (wanted.row == null) {
            waiting++;
        }
    }

    boolean isWaiting() {
        return waiting > 0;
    }

    @Override
    public void pageLoaded(PageCache.Page page) {
        waiting--;
        if (page.errno != 0) {
            errno = page.errno;
        }
        if (waiting == 0) {
            pagesLoaded(errno);
        }
    }

    void releasePages() {
        for (int i = 0; i < heldCount; i++) {
            PageCache.Page page = held[i];
            if (page != null) {
                cache.release(page);
            }
            held[i] = null;
        }
        heldCount = 0;
        errno = 0;
    }
}
