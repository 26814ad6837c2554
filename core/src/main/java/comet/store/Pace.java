package comet.store;

/// Spreads a checkpoint over the time in which the ring fills, so that what it syncs comes to the
/// device in small portions between the syncs that guests wait for.
///
/// The share that is done follows the share of a stretch of the ring that was filled since the
/// start, or of a longest time, whichever is further. Nobody is held back once the ring is pressed,
/// or where somebody waits for the end: when guests have stopped to write, that is the disk itself.
final class Pace {
    /// How often one who is held back looks again.
    static final long LOOK_NS = 10_000_000;

    /// What a checkpoint takes at most while it is held back.
    static final long LONGEST_NS = 30_000_000_000L;

    private final DiskParts parts;
    private long sinceNs;
    private long usedBefore;
    private boolean hurried;

    Pace(DiskParts parts) {
        this.parts = parts;
    }

    void start() {
        sinceNs = parts.loop.nowNs();
        usedBefore = parts.journal().usedBytes();
        hurried = false;
    }

    /// Somebody waits for the checkpoint to end: it is held back no more.
    void hurry() {
        hurried = true;
    }

    /// Whether the next part may come, when this share of the checkpoint is done.
    boolean mayGoOn(double progress) {
        boolean crowded = parts.pending.activeBlocks() >= Pending.BLOCKS_MAX;
        if (hurried || crowded || parts.isPressed()) {
            return true;
        }
        double filled =
                (double) (parts.journal().usedBytes() - usedBefore)
                        / parts.journal().stretchBytes();
        double time = (double) (parts.loop.nowNs() - sinceNs) / LONGEST_NS;
        return progress <= Math.max(filled, time);
    }
}
