package comet.store;

import java.util.ArrayList;
import java.util.List;

/// Decides whether a change may come now: back-pressure, so that the ring is never full.
///
/// Up to three quarters of the ring everything may come. From there on, while a checkpoint runs,
/// what is left of the ring is handed out in step with the checkpoint's progress: writes become as
/// fast as the checkpoint makes room for them, and never stop while it moves.
final class Room {
    /// What may come ahead of the checkpoint's progress.
    private static final long AHEAD_BYTES = 256 << 10;

    private final DiskParts parts;
    private final Checkpoint checkpoint;
    private final LargeWrites large;
    private List<Runnable> waiters = new ArrayList<>();

    // The moment in which the ring became three quarters full.
    private boolean paced;
    private long pacedUsed;
    private long pacedRoom;
    private double pacedProgress;

    Room(DiskParts parts, Checkpoint checkpoint, LargeWrites large) {
        this.parts = parts;
        this.checkpoint = checkpoint;
        this.large = large;
    }

    boolean has(long dataBytes) {
        Journal journal = parts.journal();
        if (parts.hasFailed()) {
            return true;
        }
        if (journal.backlogged()
                || large.backlogged()
                || journal.room() < dataBytes + JournalBatch.HEADER_BYTES
                || parts.pending.activeBlocks() >= 2 * Pending.BLOCKS_MAX) {
            return false;
        }
        if (!checkpoint.isRunning() || !parts.isPressed()) {
            paced = false;
            return true;
        }
        if (!paced) {
            paced = true;
            pacedUsed = journal.usedBytes();
            pacedRoom = journal.room();
            pacedProgress = checkpoint.progress();
        }
        double share = (checkpoint.progress() - pacedProgress) / Math.max(0.001, 1 - pacedProgress);
        return journal.usedBytes() - pacedUsed <= AHEAD_BYTES + (long) (pacedRoom * share);
    }

    void when(Runnable work) {
        waiters.add(work);
    }

    /// Something has changed: who waits looks again.
    void changed() {
        if (waiters.isEmpty() || !has(0)) {
            return;
        }
        List<Runnable> now = waiters;
        waiters = new ArrayList<>();
        for (Runnable work : now) {
            work.run();
        }
    }
}
