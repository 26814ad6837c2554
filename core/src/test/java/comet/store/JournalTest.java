package comet.store;

import static org.assertj.core.api.Assertions.assertThat;

import comet.base.Buf;
import comet.base.BufPool;
import comet.base.Crc;
import comet.base.Prng;
import comet.store.fake.MemMedia;
import comet.wire.BlockState;
import comet.wire.WriteRequest;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;

/// The ring: its format, laps, torn tails and damage.
class JournalTest {
    private static final int DATA = WriteRequest.OP_DATA;
    private static final int PAGE = 4096;

    private static StoreRig rig(int seed) {
        return new StoreRig(StoreConfig.small(), seed).formatted().open();
    }

    /// Places of all batches in the ring that look like one, in order of place.
    private static List<Long> batches(StoreRig rig) {
        List<Long> found = new ArrayList<>();
        long at = PAGE;
        while (at < rig.config.journalBytes()) {
            ByteBuffer page = page(rig, at);
            if (page.getLong(0) == JournalBatch.MAGIC) {
                found.add(at);
                at += page.getInt(64);
            } else {
                at += PAGE;
            }
        }
        return found;
    }

    private static ByteBuffer page(StoreRig rig, long at) {
        return ByteBuffer.wrap(rig.media.peek("journal", at, PAGE)).order(ByteOrder.LITTLE_ENDIAN);
    }

    @Test
    void golden_bytes_of_ring_page_and_batch() {
        StoreRig rig = rig(1);
        rig.write(0x0102, 3, DATA, 7, 1, 4, 2);
        rig.write(0x0102, 3, WriteRequest.OP_TRIM, 8, 2, 4, 0);
        rig.copy(5, 6, 7, 8, BlockState.LOST, 9);
        rig.setVersion(5, 6, 10);
        rig.drop(5, 6);
        rig.fence(11, 12);
        rig.note("map", new byte[] {1, 2, 3});
        rig.sync();
        assertThat(hex(rig, 0, 48))
                .isEqualTo(
                        "434f4d4554524e47"
                                + "00000000"
                                + "4726a149"
                                + "0300000000000000"
                                + "0400000000000000"
                                + "0000100000000000"
                                + "0000000000000000");
        assertThat(hex(rig, PAGE, 80))
                .isEqualTo(
                        "434f4d4554424154"
                                + "0300000000000000"
                                + "0400000000000000"
                                + "00000000"
                                + "01000000"
                                + "0100000000000000"
                                + "0100000000000000"
                                + "0000000000000000"
                                + "07000000"
                                + "70010000"
                                + "00300000"
                                + "00000000"
                                + "62a6f911"
                                + "00000000");
        assertThat(hex(rig, PAGE + 80, 0x170 - 80))
                .isEqualTo(
                        // WRITE of one block
                        "0101070038000000"
                                + "0100000003000000"
                                + "0201000000000000"
                                + "0100000000000000"
                                + "00000000"
                                + "04000000"
                                + "02000000"
                                + "01000000"
                                + "f2e6f5d0"
                                + "00000000"
                                // WRITE, trim of two
                                + "0103080030000000"
                                + "0000000003000000"
                                + "0201000000000000"
                                + "0200000000000000"
                                + "00000000"
                                + "04000000"
                                + "00000000"
                                + "02000000"
                                // COPY_BLOCK, lost
                                + "0203080038000000"
                                + "0000000006000000"
                                + "0500000000000000"
                                + "0900000000000000"
                                + "06000000"
                                + "07000000"
                                + "00000000"
                                + "01000000"
                                + "00000000"
                                + "00000000"
                                // SET_VERSION
                                + "0300000028000000"
                                + "0000000006000000"
                                + "0500000000000000"
                                + "0a00000000000000"
                                + "06000000"
                                + "00000000"
                                // DROP_CHUNK
                                + "0400000018000000"
                                + "0000000006000000"
                                + "0500000000000000"
                                // SET_FENCE
                                + "0500000020000000"
                                + "0000000000000000"
                                + "0b00000000000000"
                                + "0c00000000000000"
                                // PUT_NOTE
                                + "0600000020000000"
                                + "0100000000000000"
                                + "0300000003000000"
                                + "6d61700000000000");
        assertThat(hex(rig, 3 * PAGE, 8)).isEqualTo("0102030000000000");
    }

    private static String hex(StoreRig rig, long at, int bytes) {
        return HexFormat.of().formatHex(rig.media.peek("journal", at, bytes));
    }

    @Test
    void many_laps_with_crashes() {
        for (int seed = 0; seed < 4; seed++) {
            StoreRig rig = rig(seed);
            Prng prng = new Prng(seed);
            long written = 0;
            for (int round = 0; round < 8; round++) {
                for (int i = 0; i < 40; i++) {
                    int count = 1 + prng.nextInt(16);
                    rig.awaitRoom(count * 4096L);
                    rig.write(1, prng.nextInt(6), DATA, prng.nextInt(200), count);
                    if (prng.chance(1, 10)) {
                        rig.sync();
                    }
                }
                written += rig.disk().counters().journalBytesWritten;
                List<Model> before = rig.history;
                int synced = rig.syncedChanges;
                rig.crash(MemMedia.Crash.values()[prng.nextInt(4)]);
                rig.open();
                assertThat(rig.disk().damaged()).isFalse();
                rig.adoptSurvivors(before, synced);
            }
            assertThat(written).isGreaterThan(5 * rig.config.journalBytes());
        }
    }

    @Test
    void damage_of_durable_records_is_told_and_stays_known() {
        StoreRig rig = rig(3);
        for (int i = 0; i < 4; i++) {
            rig.write(1, i, DATA, 0, 1);
            rig.sync();
        }
        rig.crash(MemMedia.Crash.LOSE);
        rig.media.rot("journal", batches(rig).get(1) + PAGE + 17);
        rig.open();
        assertThat(rig.disk().damaged()).isTrue();
        assertThat(rig.events).anyMatch(e -> e.startsWith("ERROR journal-damaged"));
        assertThat(rig.disk().chunk(1, 0)).isNotNull();
        assertThat(rig.disk().chunk(1, 1)).isNull();
        // New records over the old evidence do not hide it.
        rig.write(2, 0, DATA, 0, 1);
        rig.sync();
        rig.crash(MemMedia.Crash.LOSE);
        rig.open();
        assertThat(rig.disk().damaged()).isTrue();
        assertThat(rig.disk().chunk(2, 0)).isNotNull();
        assertThat(rig.disk().chunk(1, 2)).isNull();
        damageHandled(rig);
        rig.crash(MemMedia.Crash.LOSE);
        rig.open();
        assertThat(rig.disk().damaged()).isFalse();
    }

    private static void damageHandled(StoreRig rig) {
        try {
            rig.disk().damageHandled();
        } catch (comet.port.Media.MediaException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void records_that_the_index_knows_must_not_be_missing() {
        StoreRig rig = rig(4);
        rig.write(1, 0, DATA, 0, 1);
        rig.checkpoint();
        byte[] tail = rig.index.rows().get(IndexRows.TAIL);
        rig.write(1, 0, DATA, 2, 1);
        rig.sync();
        rig.crash(MemMedia.Crash.LOSE);
        // As if a part of a checkpoint had been committed: the tail has not moved yet.
        rig.index.rows().put(IndexRows.TAIL, IndexRows.tail(RingPlace.decode(tail), 50));
        rig.open();
        assertThat(rig.disk().damaged()).isTrue();
        rig.check();
        assertThat(rig.write(1, 0, DATA, 3, 1)).isGreaterThan(50);
    }

    @Test
    void damage_above_what_was_durable_is_a_torn_tail() {
        StoreRig rig = rig(5);
        rig.write(1, 0, DATA, 0, 1);
        rig.sync();
        for (int i = 0; i < 6; i++) {
            rig.write(1, 1 + i, DATA, 0, 16);
        }
        rig.loop.runFor(5_000_000);
        List<Long> found = batches(rig);
        assertThat(found).hasSizeGreaterThan(3);
        rig.crash(MemMedia.Crash.KEEP);
        rig.media.rot("journal", found.get(2) + PAGE + 17);
        rig.open();
        assertThat(rig.disk().damaged()).isFalse();
        assertThat(rig.disk().chunk(1, 0)).isNotNull();
        assertThat(rig.disk().chunk(1, 6)).as("behind the tear").isNull();
    }

    @Test
    void a_batch_left_by_a_longer_history_is_not_replayed() {
        for (int variant = 0; variant < 2; variant++) {
            StoreRig rig = rig(6);
            rig.write(1, 0, DATA, 0, 1);
            rig.sync();
            for (int i = 0; i < 6; i++) {
                rig.write(1, 1 + i, DATA, 0, 16);
            }
            rig.loop.runFor(5_000_000);
            List<Long> found = batches(rig);
            rig.crash(MemMedia.Crash.KEEP);
            // The first unsynced batch was lost, those behind it are whole.
            rig.media.poke("journal", found.get(1), new byte[PAGE]);
            rig.open();
            assertThat(rig.disk().chunk(1, 1)).isNull();
            // The same place and length again, with other content.
            rig.write(2, 0, DATA, 0, 16);
            if (variant == 1) {
                rig.write(2, 1, DATA, 0, 16);
            }
            rig.sync();
            rig.crash(MemMedia.Crash.LOSE);
            rig.open();
            assertThat(rig.disk().damaged()).isFalse();
            assertThat(rig.disk().chunk(2, 0)).isNotNull();
            for (int i = 0; i < 6; i++) {
                assertThat(rig.disk().chunk(1, 1 + i)).isNull();
            }
        }
    }

    @Test
    void each_rule_of_the_chain_ends_the_log_alone() {
        int[] fields = {68, 28, 32, 40, 8, 24};
        for (int field : fields) {
            StoreRig rig = rig(7);
            rig.write(1, 0, DATA, 0, 1);
            rig.sync();
            rig.write(1, 1, DATA, 0, 1);
            rig.sync();
            rig.crash(MemMedia.Crash.LOSE);
            long second = batches(rig).get(1);
            ByteBuffer batch =
                    ByteBuffer.wrap(rig.media.peek("journal", second, 2 * PAGE))
                            .order(ByteOrder.LITTLE_ENDIAN);
            // Start and sequence only ever grow: too low is wrong. The others: another one.
            int value = batch.getInt(field);
            batch.putInt(field, field == 28 || field == 40 ? value - 1 : value ^ 1);
            seal(batch.array());
            rig.media.poke("journal", second, batch.array());
            rig.open();
            assertThat(rig.disk().chunk(1, 0)).isNotNull();
            assertThat(rig.disk().chunk(1, 1)).as("field at %d", field).isNull();
        }
    }

    private static void seal(byte[] batch) {
        Buf buf = new BufPool(0).take(batch.length);
        buf.bytes().put(0, batch);
        buf.bytes().putInt(JournalBatch.CHECKSUM, 0);
        int checksum = new Crc().of(buf, 0, batch.length);
        ByteBuffer.wrap(batch).order(ByteOrder.LITTLE_ENDIAN).putInt(72, checksum);
    }

    @Test
    void an_unknown_record_is_refused_and_not_skipped() {
        StoreRig rig = rig(8);
        rig.write(1, 0, DATA, 0, 1);
        rig.sync();
        rig.crash(MemMedia.Crash.LOSE);
        byte[] batch = rig.media.peek("journal", PAGE, 2 * PAGE);
        batch[80] = (byte) 99;
        seal(batch);
        rig.media.poke("journal", PAGE, batch);
        assertThat(rig.tryOpen()).contains("does not know");
    }

    @Test
    void random_bytes_in_the_ring_never_do_worse_than_ending_the_log() {
        for (int seed = 0; seed < 40; seed++) {
            Prng prng = new Prng(seed);
            StoreRig rig = rig(seed);
            for (int i = 0; i < 5; i++) {
                rig.write(1, i, DATA, 0, 1 + prng.nextInt(3));
                rig.sync();
            }
            rig.crash(MemMedia.Crash.LOSE);
            for (int i = 0; i < 3; i++) {
                rig.media.rot("journal", PAGE + prng.nextInt(15 * PAGE));
            }
            List<Model> before = rig.history;
            assertThat(rig.tryOpen()).isNull();
            rig.adoptSurvivors(before, 0);
        }
    }

    @Test
    void one_sync_serves_all_that_wait() {
        StoreRig rig = rig(9);
        int[] done = new int[1];
        for (int i = 0; i < 20; i++) {
            long sequence = rig.write(1, i, DATA, 0, 1);
            rig.disk().sync(sequence, (token, result) -> done[0]++, 0);
        }
        rig.loop.runUntil(() -> done[0] == 20);
        assertThat(done[0]).isEqualTo(20);
        assertThat(rig.disk().counters().journalBatches).isLessThanOrEqualTo(3);
        assertThat(rig.disk().counters().journalSyncs).isLessThanOrEqualTo(3);
    }

    @Test
    void what_nobody_waits_for_is_durable_after_a_while() {
        StoreRig rig = rig(10);
        long sequence = rig.write(1, 0, DATA, 0, 1);
        rig.loop.runFor(1_000_000);
        assertThat(rig.disk().durableSequence()).isLessThan(sequence);
        rig.loop.runFor(rig.config.syncAfterNs() + 1_000_000);
        assertThat(rig.disk().durableSequence()).isEqualTo(sequence);
        assertThat(rig.disk().unsyncedBytes()).isZero();
    }
}
