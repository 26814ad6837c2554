package comet.store;

import static org.assertj.core.api.Assertions.assertThat;

import comet.base.Prng;
import comet.wire.WriteRequest;
import org.junit.jupiter.api.Test;

/// Back-pressure: a writer that is faster than the device slows down, and never stops for long.
class RoomTest {
    @Test
    void a_writer_that_never_pauses_is_slowed_down_and_not_stopped() {
        StoreConfig config = StoreConfig.small().withJournal(8 << 20, 64 << 10);
        StoreRig rig = new StoreRig(config.withSpace(1 << 20, 0, 0), 1).formatted().open();
        Prng prng = new Prng(1);
        long longestNs = 0;
        double fullest = 0;
        long start = rig.loop.nowNs();
        for (int i = 0; i < 8000; i++) {
            long before = rig.loop.nowNs();
            rig.awaitRoom(4096);
            rig.write(1, prng.nextInt(16), WriteRequest.OP_DATA, prng.nextInt(1024), 1);
            if (i % 8 == 0) {
                rig.loop.runFor(1000);
            }
            longestNs = Math.max(longestNs, rig.loop.nowNs() - before);
            fullest =
                    Math.max(
                            fullest,
                            (double) rig.disk().journalUsedBytes() / rig.disk().journalBytes());
            rig.history.clear();
            rig.sequences.clear();
        }
        long wholeNs = rig.loop.nowNs() - start;
        assertThat(rig.disk().counters().checkpoints).isGreaterThan(3);
        assertThat(fullest).as("the ring was under pressure").isGreaterThan(0.75);
        assertThat(fullest).isLessThan(0.98);
        assertThat(longestNs).as("longest wait in %d ns", wholeNs).isLessThan(wholeNs / 5);
    }
}
