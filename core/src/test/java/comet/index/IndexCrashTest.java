package comet.index;

import static org.assertj.core.api.Assertions.assertThat;

import comet.port.Errno;
import comet.port.Index.Change;
import comet.store.fake.MemMedia;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Power is lost at every step of commits, and bits flip: the index is as before the commit or as
/// after it, or says that it is damaged.
class IndexCrashTest {
    private static IndexRig filled(long seed) {
        IndexRig rig = new IndexRig(seed).open();
        for (int round = 0; round < 6; round++) {
            rig.commit(rig.changes(40, 200, 2));
        }
        return rig;
    }

    /// A second commit after the crashed one uses its pages again, and a third one those of what
    /// was found: any mistake about what is free shows.
    @ParameterizedTest
    @EnumSource
    void a_crash_at_any_step_of_a_commit_shows_before_or_after(MemMedia.Crash kind) {
        int[] outcomes = new int[2];
        for (long seed = 100; seed < 110; seed++) {
            crashEverywhere(kind, seed, outcomes);
        }
        assertThat(outcomes[0]).as("before").isGreaterThan(30);
        assertThat(outcomes[1]).as("after").isGreaterThanOrEqualTo(10);
    }

    private static void crashEverywhere(MemMedia.Crash kind, long seed, int[] outcomes) {
        boolean done = false;
        for (int step = 1; !done; step++) {
            IndexRig rig = filled(seed);
            List<Change> changes = rig.changes(60, 200, 2);
            rig.media.crashAfter(rig.media.steps() + step);
            int result = rig.tryCommit(changes);
            if (result == 0) {
                IndexRig.apply(rig.model, changes);
                rig.loop.kill();
                done = true;
            }
            TreeMap<byte[], byte[]> after = rig.after(changes);
            rig.crash(kind);
            rig.open();
            String fromBefore = rig.differs(rig.model);
            if (fromBefore == null) {
                outcomes[0]++;
            } else {
                outcomes[1]++;
                assertThat(rig.differs(after)).as("step %d: %s", step, fromBefore).isNull();
                rig.model = after;
            }
            for (int i = 0; i < 3; i++) {
                rig.commit(rig.changes(60, 200, 2));
                rig.check();
                assertThat(TreeCheck.check(rig.index(), rig.media)).isNull();
            }
            rig.reopened().check();
        }
    }

    /// The same from the folder that is empty to the first rows.
    @ParameterizedTest
    @EnumSource
    void a_crash_at_any_step_of_the_beginning_is_no_harm(MemMedia.Crash kind) {
        boolean done = false;
        for (int step = 1; !done; step++) {
            IndexRig rig = new IndexRig(200 + step);
            rig.media.crashAfter(step);
            rig.tryOpen();
            List<Change> changes = rig.changes(20, 200, 0);
            boolean committed = false;
            if (!rig.loop.isDead()) {
                committed = rig.tryCommit(changes) == 0;
                done = committed;
            }
            TreeMap<byte[], byte[]> after = rig.after(changes);
            rig.loop.kill();
            rig.crash(kind);
            rig.open();
            if (committed || rig.differs(rig.model) != null) {
                rig.model = after;
            }
            rig.check();
            rig.commit(rig.changes(60, 200, 2));
            rig.reopened().check();
        }
    }

    /// The process is killed at any step, another one goes on with what it reads, and then power is
    /// lost: what the first had not synced must not be missed.
    @ParameterizedTest
    @EnumSource
    void power_is_lost_after_a_kill(MemMedia.Crash kind) {
        int[] ends = new int[2];
        for (long seed = 400; seed < 404; seed++) {
            boolean done = false;
            for (int step = 1; !done; step++) {
                IndexRig rig = filled(seed);
                List<Change> changes = rig.changes(60, 200, 2);
                rig.media.crashAfter(rig.media.steps() + step);
                done = rig.tryCommit(changes) == 0;
                TreeMap<byte[], byte[]> after = rig.after(changes);
                rig.loop.kill();
                rig.restart();
                rig.open();
                boolean isAfter = rig.differs(rig.model) != null;
                ends[isAfter ? 1 : 0]++;
                if (isAfter) {
                    rig.model = after;
                }
                List<Change> more = rig.changes(60, 200, 2);
                rig.media.crashAfter(rig.media.steps() + 1 + rig.prng.nextInt(40));
                boolean again = rig.tryCommit(more) == 0;
                TreeMap<byte[], byte[]> last = rig.after(more);
                rig.loop.kill();
                rig.crash(kind);
                rig.open();
                if (again || rig.differs(rig.model) != null) {
                    rig.model = last;
                }
                rig.check();
            }
        }
        assertThat(ends[0]).isPositive();
        assertThat(ends[1]).isPositive();
    }

    @ParameterizedTest
    @EnumSource
    void power_is_lost_before_the_second_commit(MemMedia.Crash kind) {
        for (int seed = 500; seed < 700; seed++) {
            IndexRig rig = new IndexRig(seed);
            rig.media.crashAfter(1 + rig.prng.nextInt(3));
            rig.tryOpen();
            rig.loop.kill();
            rig.crash(kind);
            rig.open();
            rig.commit(rig.changes(20, 200, 0));
            rig.loop.kill();
            rig.crash(kind);
            rig.open().check();
        }
    }

    @Test
    void a_root_that_was_half_made_is_made_again() {
        IndexRig rig = new IndexRig(700).open();
        rig.index().close();
        rig.loop.runUntil(() -> false);
        for (int bytes : new int[] {0, 4096}) {
            rig.media.cut(RootSlot.FILE, bytes);
            for (String name : rig.media.list(IndexFiles.FOLDER)) {
                if (!name.equals("root")) {
                    rig.media.remove(IndexFiles.FOLDER + "/" + name);
                }
            }
            rig.open();
            rig.commit(rig.changes(20, 200, 0));
            rig.reopened().check();
            rig.index().close();
            rig.loop.runUntil(() -> false);
            rig.model.clear();
        }
    }

    @Test
    void a_failed_sync_is_the_end_whatever_its_error() {
        for (String of : List.of("index/0", RootSlot.FILE)) {
            IndexRig rig = filled(701);
            rig.media.failSyncs = of;
            rig.media.failSyncsWith = Errno.ENOSPC;
            assertThat(rig.tryCommit(rig.changes(20, 200, 2))).isEqualTo(-Errno.EIO);
            rig.media.failSyncs = null;
            assertThat(rig.tryCommit(rig.changes(20, 200, 2))).isEqualTo(-Errno.EIO);
        }
    }

    @Test
    void only_want_of_space_is_tried_again() {
        for (int errno : new int[] {Errno.ENOSPC, Errno.EINVAL}) {
            IndexRig rig = filled(702);
            rig.media.failCreates = errno;
            int result = 0;
            while (result == 0) {
                List<Change> changes = rig.changes(200, 3000, 0);
                result = rig.tryCommit(changes);
                if (result == 0) {
                    IndexRig.apply(rig.model, changes);
                }
            }
            assertThat(result).isEqualTo(-errno);
            rig.check();
            rig.media.failCreates = 0;
            rig.loop.runFor(1_000_000_000);
            List<Change> changes = rig.changes(10, 200, 0);
            assertThat(rig.tryCommit(changes)).isEqualTo(errno == Errno.ENOSPC ? 0 : -Errno.EIO);
        }
    }

    @Test
    void a_flipped_bit_in_the_pages_is_found() {
        IndexRig rig = filled(300);
        int refused = 0;
        int failed = 0;
        int pages = rig.index().space().totalPages();
        for (int page = 0; page < pages; page++) {
            if (!rig.index().space().isUsed(page)) {
                continue;
            }
            String name = IndexFiles.name(page / rig.pagesPerFile + 1);
            for (int i = 0; i < 3; i++) {
                long at = (page % rig.pagesPerFile) * 4096L + rig.prng.nextInt(4096);
                rig.index().close();
                rig.media.rot(name, at);
                String error = rig.tryOpen();
                if (error != null) {
                    assertThat(error).contains("the index is damaged", name);
                    refused++;
                } else {
                    String differs = rig.differs(rig.model);
                    assertThat(differs).as("page %d", page).isEqualTo("error -5");
                    failed++;
                    rig.index().close();
                }
                rig.media.rot(name, at);
                rig.open();
            }
        }
        rig.check();
        assertThat(refused).isGreaterThan(3);
        assertThat(failed).isGreaterThan(50);
    }

    /// One copy of eight is lost: the others say the same. A whole slot: the index is refused.
    @Test
    void a_flipped_bit_in_the_root_is_no_loss_and_a_lost_slot_is_found() {
        IndexRig rig = filled(301);
        for (int at = 0; at < RootSlot.FILE_BYTES; at += 29) {
            rig.index().close();
            rig.media.rot(RootSlot.FILE, at);
            rig.open();
            rig.check();
            rig.media.rot(RootSlot.FILE, at);
        }
        for (int slot = 0; slot < 2; slot++) {
            rig.index().close();
            long at = slot * 4096L;
            byte[] was = rig.media.peek(RootSlot.FILE, at, 4096);
            rig.media.poke(RootSlot.FILE, at, new byte[4096]);
            assertThat(rig.tryOpen()).isEqualTo("a slot of index/root is damaged");
            rig.media.poke(RootSlot.FILE, at, was);
            rig.open();
        }
        rig.index().close();
        rig.media.poke(RootSlot.FILE, 0, new byte[8192]);
        assertThat(rig.tryOpen()).isEqualTo("index/root is empty");
        rig.media.poke(RootSlot.FILE, 0, IndexRig.filled(8192, 1));
        assertThat(rig.tryOpen()).isEqualTo("index/root is damaged");
    }

    @Test
    void what_is_missing_foreign_or_newer_is_refused_with_words() {
        IndexRig rig = filled(302);
        rig.index().close();
        byte[] root = rig.media.peek(RootSlot.FILE, 0, 8192);
        rig.media.remove(RootSlot.FILE);
        assertThat(rig.tryOpen()).isEqualTo("index/root is missing");

        rig = filled(303);
        rig.index().close();
        rig.media.remove("index/000001");
        assertThat(rig.tryOpen()).isEqualTo("index/000001 is missing");

        rig = new IndexRig(304);
        write(rig, "index/CURRENT", "MANIFEST-000004\n");
        assertThat(rig.tryOpen()).contains("RocksDB");

        rig = filled(305);
        rig.index().close();
        comet.base.Buf buf = rig.pool.take(8192);
        buf.bytes().put(0, root);
        for (int at = 0; at < 8192; at += 512) {
            buf.bytes().putInt(at + 8, 2).putInt(at + 12, 0);
            buf.bytes().putInt(at + 12, new comet.base.Crc().of(buf, at, 512));
        }
        byte[] newer = new byte[8192];
        buf.bytes().get(0, newer);
        rig.media.poke(RootSlot.FILE, 0, newer);
        assertThat(rig.tryOpen()).isEqualTo("the index has format 2, this program knows 1");
    }

    private static void write(IndexRig rig, String name, String content) {
        try {
            rig.media.writeSmall(name, content.getBytes(StandardCharsets.UTF_8));
        } catch (comet.port.Media.MediaException e) {
            throw new AssertionError(e);
        }
    }

    /// What an older tree's page holds is not taken for the newer one's: a write that was lost, and
    /// one that went to the place of another, are found.
    @Test
    void lost_and_misdirected_writes_are_found() {
        IndexRig rig = filled(306);
        List<Integer> used = new ArrayList<>();
        for (int page = 0; page < rig.index().space().totalPages(); page++) {
            if (rig.index().space().isUsed(page)) {
                used.add(page);
            }
        }
        for (int i = 0; i < 100; i++) {
            int to = used.get(rig.prng.nextInt(used.size()));
            int from = used.get(rig.prng.nextInt(used.size()));
            String name = IndexFiles.name(to / rig.pagesPerFile + 1);
            long at = (to % rig.pagesPerFile) * 4096L;
            byte[] was = rig.media.peek(name, at, 4096);
            byte[] other =
                    rig.prng.chance(1, 4)
                            ? new byte[4096]
                            : rig.media.peek(
                                    IndexFiles.name(from / rig.pagesPerFile + 1),
                                    (from % rig.pagesPerFile) * 4096L,
                                    4096);
            boolean same = java.util.Arrays.equals(was, other);
            rig.index().close();
            rig.media.poke(name, at, other);
            String error = rig.tryOpen();
            boolean found = error != null || "error -5".equals(rig.differs(rig.model));
            assertThat(found).isEqualTo(!same);
            if (error == null) {
                rig.index().close();
            }
            rig.media.poke(name, at, was);
            rig.open();
        }
    }
}
