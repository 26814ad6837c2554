package comet.store;

import comet.base.Buf;
import comet.base.BufPool;
import comet.base.Crc;
import comet.base.Sizes;
import comet.port.MediaFile;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Makes durable what replay has read and nothing proves to be so: writes those batches again, the
/// same bytes at the same place, then syncs.
///
/// A sync alone does not do: where the life before ended because a write or a sync had failed, the
/// system may hold bytes that are not on the device and that it no longer counts as to be written.
/// They can be read, and the next sync ends well without them.
///
/// Batches up to the highest `durableThrough` found are left alone, since a good sync followed
/// their write. Power that goes in between leaves every sector as it was or as it is, which is the
/// same.
final class JournalRewrite {
    /// Told null, or what went wrong.
    interface Done {
        void done(@Nullable String error);
    }

    private static final int WINDOW_BYTES = 8 << 20;

    private final MediaFile file;
    private final List<Batch> batches;
    private final Done done;
    private final Crc crc = new Crc();
    private final Buf window;
    private int next;
    private int groupBytes;
    private long writtenBytes;

    /// @param batches to be written again, in order
    JournalRewrite(MediaFile file, BufPool pool, List<Batch> batches, Done done) {
        this.file = file;
        this.batches = batches;
        this.done = done;
        long largest = Sizes.BLOCK_BYTES;
        long sum = 0;
        for (Batch batch : batches) {
            largest = Math.max(largest, batch.bytes);
            sum += batch.bytes;
        }
        window = pool.take((int) Math.max(largest, Math.min(WINDOW_BYTES, sum)));
    }

    long writtenBytes() {
        return writtenBytes;
    }

    void start() {
        step();
    }

    /// Reads the next batches that lie side by side.
    private void step() {
        if (next == batches.size()) {
            file.sync((token, result) -> end("sync", result), 0);
            return;
        }
        int to = next;
        groupBytes = 0;
        long position = batches.get(next).position;
        while (to < batches.size()
                && batches.get(to).position == position + groupBytes
                && groupBytes + batches.get(to).bytes <= window.capacity()) {
            groupBytes += batches.get(to++).bytes;
        }
        int groupEnd = to;
        file.read(position, window, 0, groupBytes, (token, result) -> read(groupEnd, result), 0);
    }

    private void read(int groupEnd, int result) {
        if (result < 0) {
            end("read", result);
            return;
        }
        if (result != groupBytes) {
            finish("the journal is shorter than it was");
            return;
        }
        int offset = 0;
        for (int i = next; i < groupEnd; i++) {
            Batch batch = batches.get(i);
            if (JournalBatch.batchBytes(window.bytes(), offset) != batch.bytes
                    || JournalBatch.checksum(window.bytes(), offset) != batch.checksum
                    || !JournalBatch.intact(window, offset, crc)) {
                finish("the journal reads differently the second time");
                return;
            }
            offset += batch.bytes;
        }
        long position = batches.get(next).position;
        file.write(
                position, window, 0, groupBytes, (token, written) -> written(groupEnd, written), 0);
    }

    private void written(int groupEnd, int result) {
        if (result < 0) {
            end("write", result);
            return;
        }
        writtenBytes += groupBytes;
        next = groupEnd;
        step();
    }

    private void end(String what, int result) {
        finish(result < 0 ? "cannot " + what + " the journal: errno " + -result : null);
    }

    private void finish(@Nullable String error) {
        window.release();
        done.done(error);
    }
}
