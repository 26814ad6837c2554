package comet.index;

import comet.base.Bytes;
import comet.port.Index.Change;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/// The changes of a commit, brought into the order of their keys, each key once, in steps of
/// bounded work: a merge sort from small runs up. Values that do not lie in the leaf get the places
/// and checksums of their pages here.
final class ChangeSet {
    /// Changes sorted in one go at the start.
    private static final int RUN = 64;

    private static final Comparator<Change> BY_KEY =
            (a, b) -> Arrays.compareUnsigned(a.key(), b.key());
    private static final byte[] NONE = {};

    private Change[] from;
    private Change[] to;
    private int count;
    private int run = RUN;
    private boolean runsSorted;
    private int at;

    // The merge under way: of [left, middle) and [right, end).
    private int left;
    private int middle;
    private int right;
    private int end;

    private int[] firstRef = {};
    private byte[] refs = new byte[256];
    private int refBytes;
    private int placed;

    ChangeSet(List<Change> changes) {
        from = changes.toArray(new Change[0]);
        to = new Change[from.length];
        count = from.length;
    }

    int count() {
        return count;
    }

    byte[] key(int n) {
        return from[n].key();
    }

    boolean deletes(int n) {
        return from[n].value() == null;
    }

    byte[] value(int n) {
        byte[] value = from[n].value();
        return value == null ? NONE : value;
    }

    // The order.

    /// Does some work; false where all is done.
    boolean sortSome(int work) {
        if (!runsSorted) {
            sortRuns(work);
            return true;
        }
        if (run < count) {
            merge(work);
            return true;
        }
        dropDoubles();
        firstRef = new int[count];
        return false;
    }

    private void sortRuns(int work) {
        int stop = Math.min(count, at + Math.max(RUN, work / RUN * RUN));
        while (at < stop) {
            int behind = Math.min(count, at + RUN);
            Arrays.sort(from, at, behind, BY_KEY);
            at = behind;
        }
        if (at == count) {
            runsSorted = true;
            startMerge(0);
        }
    }

    private void startMerge(int first) {
        left = first;
        middle = Math.min(count, first + run);
        right = middle;
        end = Math.min(count, middle + run);
        at = first;
    }

    private void merge(int work) {
        int stop = Math.min(count, at + work);
        while (at < stop) {
            boolean takeLeft =
                    right == end || left < middle && BY_KEY.compare(from[left], from[right]) <= 0;
            to[at++] = takeLeft ? from[left++] : from[right++];
            if (at == end && end < count) {
                startMerge(end);
            }
        }
        if (at == count) {
            Change[] sorted = to;
            to = from;
            from = sorted;
            run *= 2;
            startMerge(0);
        }
    }

    /// Of changes of one row the last one counts; the order so far kept them in theirs.
    private void dropDoubles() {
        int kept = 0;
        for (int i = 0; i < count; i++) {
            if (i + 1 == count || !Arrays.equals(from[i].key(), from[i + 1].key())) {
                from[kept++] = from[i];
            }
        }
        count = kept;
        to = new Change[0];
    }

    // Values outside the leaf.

    /// Gives the values of the next changes their pages; answers about how many nanoseconds of work
    /// that was, 0 where all have theirs.
    int placeNext(PageSpace space, PageWriter writer) {
        if (placed == count) {
            return 0;
        }
        int n = placed++;
        byte[] value = value(n);
        int pages = Layout.refCount(value.length);
        firstRef[n] = refBytes;
        if (refs.length < refBytes + pages * Layout.REF_BYTES) {
            refs = Arrays.copyOf(refs, Math.max(refs.length * 2, refBytes + 16 * 8));
        }
        for (int i = 0; i < pages; i++) {
            int offset = i << Layout.PAGE_SHIFT;
            int length = Math.min(Layout.PAGE_BYTES, value.length - offset);
            int page = space.allocate();
            Bytes.putInt(refs, refBytes, page);
            Bytes.putInt(refs, refBytes + 4, writer.put(page, value, offset, length));
            refBytes += Layout.REF_BYTES;
        }
        return 10 + pages * 1000;
    }

    /// What stands in the leaf for the value.
    byte[] payload(int n) {
        byte[] value = value(n);
        return value.length <= Layout.INLINE_BYTES_MAX ? value : refs;
    }

    int payloadAt(int n) {
        return value(n).length <= Layout.INLINE_BYTES_MAX ? 0 : firstRef[n];
    }
}
