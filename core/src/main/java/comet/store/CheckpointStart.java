package comet.store;

import comet.port.Loop;
import org.jspecify.annotations.Nullable;

/// Decides when a checkpoint begins: at a level of the ring, at a number of blocks, after a while
/// without changes, or because somebody needs what it frees.
final class CheckpointStart {
    private final DiskParts parts;
    private final Checkpoint checkpoint;
    private Loop.@Nullable Timer idleTimer;
    private long idleSequence;
    private boolean stopped;
    private final Runnable onIdle = this::onIdle;

    CheckpointStart(DiskParts parts, Checkpoint checkpoint) {
        this.parts = parts;
        this.checkpoint = checkpoint;
    }

    /// Something was changed, or a checkpoint has ended.
    void changed() {
        maybe();
        startTimer();
    }

    void maybe() {
        if (parts.hasFailed() || stopped) {
            return;
        }
        parts.segments.growIfNeeded(0);
        Journal journal = parts.journal();
        if (!checkpoint.isRunning()
                && (journal.usedBytes() > journal.checkpointBytes()
                        || parts.pending.activeBlocks() >= Pending.BLOCKS_MAX)) {
            checkpoint.start();
        }
    }

    /// Now, if there is anything to do; one that runs is to hurry.
    void now() {
        if (parts.hasFailed()) {
            return;
        }
        if (!checkpoint.isRunning() && parts.journal().hasLive()) {
            checkpoint.start();
        }
        checkpoint.hurry();
    }

    void stop() {
        stopped = true;
        if (idleTimer != null) {
            idleTimer.cancel();
            idleTimer = null;
        }
    }

    private void startTimer() {
        if (idleTimer == null && !stopped && parts.journal().hasLive()) {
            idleSequence = parts.journal().appliedSequence();
            idleTimer = parts.loop.schedule(parts.config.idleAfterNs(), onIdle);
        }
    }

    private void onIdle() {
        idleTimer = null;
        if (stopped || parts.hasFailed()) {
            return;
        }
        if (parts.journal().appliedSequence() == idleSequence) {
            now();
        }
        startTimer();
    }
}
