package comet.index;

import static org.assertj.core.api.Assertions.assertThat;

import comet.port.Errno;
import comet.port.Index.Change;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The index against a sorted map.
class FlatIndexTest {
    private static byte[] key(long n) {
        return ByteBuffer.allocate(9).put((byte) 'K').putLong(n).array();
    }

    private static byte[] value(long n, int length) {
        byte[] value = new byte[length];
        for (int i = 0; i < length; i++) {
            value[i] = (byte) (n * 31 + i * 7);
        }
        return value;
    }

    @Test
    void an_empty_index_stays_empty() {
        IndexRig rig = new IndexRig(1).open();
        rig.check();
        assertThat(rig.get(key(1))).isNull();
        rig.reopened().check();
        rig.commit(List.of());
        rig.commit(List.of(new Change(key(1), null)));
        rig.check();
        assertThat(rig.get(key(1))).isNull();
        rig.reopened().check();
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void random_commits_leave_what_a_map_would_have(long seed) {
        IndexRig rig = new IndexRig(seed).open();
        int[] sizes = {1, 10, 100, 600};
        int[] keys = {20, 300, 5000};
        for (int round = 0; round < 40; round++) {
            // Phases of growing and of shrinking.
            int deletes = round / 10 % 2 == 0 ? 1 : 6;
            int of = keys[rig.prng.nextInt(keys.length)];
            rig.commit(rig.changes(sizes[rig.prng.nextInt(sizes.length)], of, deletes));
            if (round % 5 == 0) {
                rig.reopened();
            }
            rig.check();
            for (int i = 0; i < 20; i++) {
                byte[] key = rig.key(of);
                assertThat(rig.get(key)).isEqualTo(rig.model.get(key));
            }
            assertThat(TreeCheck.check(rig.index(), rig.media)).isNull();
        }
    }

    @Test
    void everything_is_deleted_again_and_leaves_nothing_in_use() {
        IndexRig rig = new IndexRig(3).open();
        rig.commit(rig.changes(3000, 100_000, 0));
        rig.check();
        while (!rig.model.isEmpty()) {
            List<Change> deletes = new ArrayList<>();
            int n = 0;
            for (byte[] key : rig.model.keySet()) {
                if (n++ % 3 != 1 || rig.model.size() < 10) {
                    deletes.add(new Change(key, null));
                }
            }
            rig.commit(deletes);
            rig.check();
            assertThat(TreeCheck.check(rig.index(), rig.media)).isNull();
        }
        assertThat(rig.index().usedPages()).isZero();
        rig.reopened().check();
        rig.commit(rig.changes(100, 1000, 0));
        rig.check();
    }

    /// Rows in runs of keys, as a checkpoint has them, until there are a hundred thousand; then
    /// updates all over.
    @Test
    void a_hundred_thousand_rows() {
        IndexRig rig = new IndexRig(4);
        rig.pagesPerFile = 1 << 10;
        rig.open();
        for (int from = 0; from < 100_000; from += 5000) {
            List<Change> changes = new ArrayList<>();
            for (int n = from; n < from + 5000; n++) {
                changes.add(new Change(key(n), value(n, n % 10 == 0 ? 300 : n % 50)));
            }
            rig.commit(changes);
        }
        rig.check();
        for (int round = 0; round < 5; round++) {
            List<Change> changes = new ArrayList<>();
            for (int i = 0; i < 2000; i++) {
                int n = rig.prng.nextInt(100_000);
                changes.add(new Change(key(n), value(n + round, n % 300)));
            }
            rig.commit(changes);
        }
        rig.check();
        rig.reopened().check();
        assertThat(TreeCheck.check(rig.index(), rig.media)).isNull();
    }

    @Test
    void of_changes_of_one_row_the_last_counts() {
        IndexRig rig = new IndexRig(5).open();
        List<Change> changes = new ArrayList<>();
        for (int i = 0; i < 1000; i++) {
            changes.add(new Change(key(i % 7), i % 5 == 0 ? null : value(i, i)));
        }
        rig.commit(changes);
        rig.check();
    }

    @Test
    void ranges_are_told_from_the_first_to_before_the_last() {
        IndexRig rig = new IndexRig(6).open();
        List<Change> changes = new ArrayList<>();
        for (int n = 0; n < 2000; n++) {
            changes.add(new Change(key(2L * n), value(n, n % 600)));
        }
        rig.commit(changes);
        for (int i = 0; i < 50; i++) {
            long from = rig.prng.nextLong(4100);
            long to = from + rig.prng.nextLong(400);
            List<Long> keys = new ArrayList<>();
            for (Map.Entry<byte[], byte[]> row : rig.scan(key(from), key(to))) {
                keys.add(ByteBuffer.wrap(row.getKey()).getLong(1));
            }
            List<Long> expected = new ArrayList<>();
            for (long n = from + from % 2; n < Math.min(to, 4000); n += 2) {
                expected.add(n);
            }
            assertThat(keys).isEqualTo(expected);
        }
        int[] told = {0};
        boolean[] ended = new boolean[1];
        rig.index()
                .scan(
                        key(0),
                        key(4000),
                        (_, _) -> ++told[0] < 10,
                        (_, result) -> ended[0] = result == 0,
                        0);
        rig.loop.runUntil(() -> ended[0]);
        assertThat(told[0]).isEqualTo(10);
    }

    /// Reads and scans that are under way while commits come and go see rows of before or after.
    @Test
    void reads_during_commits_see_before_or_after() {
        IndexRig rig = new IndexRig(7).open();
        int rows = 50;
        long[] committed = {0};
        int[] readsUnderWay = {0};
        long[] reads = {0};
        commitRound(rig, rows, 0, committed);
        for (long round = 1; round <= 60; round++) {
            long now = round;
            boolean[] ended = new boolean[1];
            List<Change> changes = new ArrayList<>();
            for (int n = 0; n < rows; n++) {
                changes.add(new Change(key(n), value(now, 3088)));
            }
            rig.index().commit(changes, (_, result) -> ended[0] = result == 0, 0);
            while (!ended[0]) {
                if (readsUnderWay[0] < 20) {
                    readsUnderWay[0]++;
                    int n = rig.prng.nextInt(rows);
                    rig.index()
                            .get(
                                    key(n),
                                    (value, errno) -> {
                                        readsUnderWay[0]--;
                                        reads[0]++;
                                        assertThat(errno).isZero();
                                        boolean isOld =
                                                java.util.Arrays.equals(
                                                        value, value(now - 1, 3088));
                                        boolean isNew =
                                                java.util.Arrays.equals(value, value(now, 3088));
                                        boolean isNewer =
                                                java.util.Arrays.equals(
                                                        value, value(now + 1, 3088));
                                        assertThat(isOld || isNew || isNewer).isTrue();
                                    });
                }
                assertThat(rig.loop.step()).isTrue();
            }
        }
        assertThat(reads[0]).isGreaterThan(1000);
    }

    private static void commitRound(IndexRig rig, int rows, long round, long[] committed) {
        List<Change> changes = new ArrayList<>();
        for (int n = 0; n < rows; n++) {
            changes.add(new Change(key(n), value(round, 3088)));
        }
        rig.commit(changes);
        committed[0] = round;
    }

    /// Without space for another file a commit says so, nothing has changed, and it can be tried
    /// again as soon as there is some.
    @Test
    void a_commit_without_space_is_no_harm() {
        IndexRig rig = new IndexRig(8, 8192 + 8 * (64L << 12)).open();
        rig.commit(rig.changes(10, 100, 0));
        long used = rig.index().usedPages();
        List<Change> changes = new ArrayList<>();
        for (int n = 0; n < 900; n++) {
            changes.add(new Change(key(n), value(n, 4000)));
        }
        for (int i = 0; i < 5; i++) {
            assertThat(rig.tryCommit(changes)).isEqualTo(-Errno.ENOSPC);
            rig.check();
            assertThat(rig.index().usedPages()).isEqualTo(used);
            rig.commit(rig.changes(1, 100, 4));
            used = rig.index().usedPages();
        }
        assertThat(TreeCheck.check(rig.index(), rig.media)).isNull();
        rig.media.setFreeBytes(1 << 30);
        rig.loop.runFor(1_000_000_000L);
        rig.commit(changes);
        rig.reopened().check();
    }

    /// In a file system that is full updates go on, since a part of the pages is kept free. None of
    /// them writes over what the tree before has, though its pages are the next ones to be used.
    @Test
    void updates_go_on_where_the_file_system_is_full() {
        IndexRig rig = new IndexRig(9).open();
        for (int round = 0; round < 10; round++) {
            List<Change> changes = new ArrayList<>();
            for (int n = 0; n < 100; n++) {
                changes.add(new Change(key(round * 100L + n), value(n, 3088)));
            }
            rig.commit(changes);
        }
        rig.loop.runFor(1_000_000_000L);
        rig.media.setFreeBytes(0);
        for (int round = 0; round < 50; round++) {
            List<Change> changes = new ArrayList<>();
            for (int n = 0; n < 60; n++) {
                changes.add(new Change(key(rig.prng.nextInt(1000)), value(round, 3088)));
            }
            Node before = java.util.Objects.requireNonNull(rig.index().root());
            rig.commit(changes);
            assertThat(TreeCheck.onDisk(before, rig.index(), rig.media)).isNull();
        }
        rig.check();
    }

    @Test
    void a_failed_write_or_sync_ends_all_commits() {
        for (int kind = 0; kind < 3; kind++) {
            IndexRig rig = new IndexRig(10 + kind).open();
            rig.commit(rig.changes(50, 1000, 0));
            if (kind == 0) {
                rig.media.failWrites = "index/0";
            } else {
                rig.media.failSyncs = kind == 1 ? "index/0" : "index/root";
            }
            assertThat(rig.tryCommit(rig.changes(50, 1000, 0))).isEqualTo(-Errno.EIO);
            rig.media.failWrites = null;
            rig.media.failSyncs = null;
            assertThat(rig.tryCommit(rig.changes(50, 1000, 0))).isEqualTo(-Errno.EIO);
            rig.check();
        }
    }

    @Test
    void a_file_is_made_to_fit_a_small_disk() {
        assertThat(IndexOpen.pagesPerFile(1L << 40)).isEqualTo(1 << 14);
        assertThat(IndexOpen.pagesPerFile(10L << 30)).isEqualTo(1 << 11);
        assertThat(IndexOpen.pagesPerFile(1 << 20)).isEqualTo(1 << 6);
    }
}
