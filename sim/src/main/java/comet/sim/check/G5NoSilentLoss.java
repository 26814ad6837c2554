package comet.sim.check;

import org.jspecify.annotations.Nullable;

/// G5: when all nodes lose power and the gateway lives, no completed write is lost, flushed or not.
public final class G5NoSilentLoss {
    private final History history;

    public G5NoSilentLoss(History history) {
        this.history = history;
    }

    public @Nullable Violation check() {
        if (!history.blackouts().isEmpty() || history.nodeBlackouts().isEmpty()) {
            return null;
        }
        return Overwritten.check(
                "G5",
                "a completed write is gone after all nodes lost power",
                history,
                history.nodeBlackouts(),
                (write, moment) -> write.outcome == Op.Outcome.OK && write.returned < moment);
    }
}
