package comet.store;

import static org.assertj.core.api.Assertions.assertThat;

import comet.wire.WriteRequest;
import org.junit.jupiter.api.Test;

/// Whether a checkpoint takes its time while guests write, and hurries when somebody waits for it.
class PaceTest {
    private static final long MS = 1_000_000;
    private static final int CHUNKS = 40;

    private final StoreRig rig =
            new StoreRig(
                            StoreConfig.small()
                                    .withJournal(8L << 20, 64 << 10)
                                    .withMemory(4L << 20, 64 << 10),
                            1)
                    .formatted()
                    .open();
    private int next;

    /// Of the ring in use, after the last write.
    private long lastUsed;

    @Test
    void it_is_spread_over_the_filling_of_a_stretch_of_the_ring() {
        startCheckpoint();
        long before = rig.disk().journalUsedBytes();
        while (rig.disk().isCheckpointing()) {
            assertThat(rig.disk().hasRoom(4096)).isTrue();
            write();
            rig.loop.runFor(5 * MS);
        }
        // A quarter of the memory.
        long filled = lastUsed - before;
        assertThat(filled).isBetween(768L << 10, 1280L << 10);
        rig.check();
    }

    @Test
    void with_few_changes_it_takes_no_more_than_its_longest_time() {
        startCheckpoint();
        long since = rig.loop.nowNs();
        while (rig.disk().isCheckpointing()) {
            write();
            rig.loop.runFor(900 * MS);
        }
        assertThat(rig.loop.nowNs() - since).isBetween(Pace.LONGEST_NS / 2, Pace.LONGEST_NS * 2);
    }

    @Test
    void it_does_not_wait_where_nobody_writes() {
        startCheckpoint();
        long since = rig.loop.nowNs();
        rig.loop.runUntil(() -> !rig.disk().isCheckpointing());
        assertThat(rig.loop.nowNs() - since).isLessThan(Pace.LONGEST_NS / 10);
    }

    @Test
    void it_hurries_for_who_needs_what_it_frees() {
        startCheckpoint();
        long since = rig.loop.nowNs();
        rig.disk().startCheckpoint();
        while (rig.disk().isCheckpointing()) {
            write();
            rig.loop.runFor(100 * MS);
        }
        assertThat(rig.loop.nowNs() - since).isLessThan(Pace.LONGEST_NS / 10);
    }

    @Test
    void a_stop_does_not_wait_for_it() {
        startCheckpoint();
        write();
        rig.loop.runFor(MS);
        long since = rig.loop.nowNs();
        assertThat(rig.close()).isTrue();
        assertThat(rig.loop.nowNs() - since).isLessThan(Pace.LONGEST_NS / 10);
    }

    /// Writes until a checkpoint begins by itself.
    private void startCheckpoint() {
        while (!rig.disk().isCheckpointing()) {
            write();
            rig.sync();
        }
    }

    private void write() {
        rig.write(1, next % CHUNKS, WriteRequest.OP_DATA, next / CHUNKS % 1024, 1);
        next++;
        lastUsed = rig.disk().journalUsedBytes();
    }
}
