package comet.io.file;

/// What a disk's files have under way, by the time at which it began: in slots, a new one at each
/// look, so that nobody has to ask a clock for each operation. Of the loop.
final class UnderWay {
    /// The oldest slots are shared by what is older still.
    private static final int SLOTS = 64;

    private final int[] counts = new int[SLOTS];

    /// When the slot ceased to be the newest.
    private final long[] untilNs = new long[SLOTS];

    private int newest;

    /// @return for [#end]
    int begin() {
        counts[newest]++;
        return newest;
    }

    void end(int slot) {
        counts[slot]--;
    }

    /// How long the oldest one has been under way at least; short of its true age by one look. To
    /// be called regularly.
    long oldestNs(long nowNs) {
        long age = 0;
        for (int i = 1; i < SLOTS; i++) {
            int slot = (newest + i) % SLOTS;
            if (counts[slot] > 0) {
                age = nowNs - untilNs[slot];
                break;
            }
        }
        int next = (newest + 1) % SLOTS;
        if (counts[next] == 0) {
            untilNs[newest] = nowNs;
            newest = next;
        }
        return age;
    }
}
