package comet.store;

import static org.assertj.core.api.Assertions.assertThat;

import comet.wire.BlockState;
import java.util.Arrays;
import java.util.TreeSet;

/// Checks a disk's space map against its index pages: exactly the places that pages name are in
/// use, and no two blocks share one.
final class SpaceCheck {
    private SpaceCheck() {}

    static void check(StoreRig rig) {
        rig.loop.runUntil(() -> !rig.disk().isCheckpointing());
        TreeSet<Long> named = new TreeSet<>();
        TreeSet<Long> used = new TreeSet<>();
        boolean[] scanned = new boolean[1];
        rig.index.scan(
                IndexRows.firstOf(IndexRows.PAGE),
                IndexRows.behind(IndexRows.PAGE),
                (key, row) -> {
                    byte[] page = IndexPage.expand(row);
                    assertThat(page).isNotNull();
                    boolean owned = IndexRows.isOwned(key, rig.disk().headers());
                    for (int block = 0;
                            page != null && owned && block < IndexPage.BLOCKS;
                            block++) {
                        boolean own = (IndexPage.flags(page, block) & IndexPage.INHERITED) == 0;
                        if (IndexPage.state(page, block) == BlockState.DATA && own) {
                            long place =
                                    SpaceMap.place(
                                            IndexPage.segment(page, block),
                                            IndexPage.offset(page, block) >>> 12);
                            assertThat(named.add(place))
                                    .as("one owner in %s", Arrays.toString(key))
                                    .isTrue();
                        }
                    }
                    return true;
                },
                (_, result) -> scanned[0] = result == 0,
                0);
        assertThat(rig.loop.runUntil(() -> scanned[0])).isTrue();
        for (Segment segment : rig.disk().segments()) {
            for (int block = 0; block < segment.blocks; block++) {
                // What a large write has claimed the index does not know yet; with an empty journal
                // it knows everything.
                boolean claimed = segment.isClaimed(block) && rig.disk().journalUsedBytes() > 0;
                if (segment.isUsed(block) && !claimed) {
                    used.add(SpaceMap.place(segment.number, block));
                }
            }
        }
        TreeSet<Long> leaked = new TreeSet<>(used);
        leaked.removeAll(named);
        TreeSet<Long> unmarked = new TreeSet<>(named);
        unmarked.removeAll(used);
        assertThat(unmarked).as("in use but not marked").isEmpty();
        assertThat(leaked.size()).as("marked but not in use").isZero();
    }
}
