package comet.store;

import static org.assertj.core.api.Assertions.assertThat;

import comet.base.BufPool;
import comet.base.Prng;
import comet.port.Index;
import comet.port.Media;
import comet.port.MediaFile;
import comet.store.fake.MemMedia;
import comet.store.fake.TestLoop;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/// The allocator against a set of places.
class SpaceMapTest {
    private static MediaFile file() {
        TestLoop loop = new TestLoop();
        MemMedia media = new MemMedia(loop, new Prng(1), 1 << 30);
        MediaFile[] file = new MediaFile[1];
        media.create("f", 4096, Media.Access.CACHED, (made, errno) -> file[0] = made);
        loop.runUntil(() -> file[0] != null);
        assertThat(new BufPool(0).bytesOut()).isZero();
        return file[0];
    }

    private static SpaceMap map(MediaFile file, int[] sizes) {
        SpaceMap map = new SpaceMap();
        for (int i = 0; i < sizes.length; i++) {
            map.add(new Segment(i + 1, sizes[i], file));
        }
        return map;
    }

    @Test
    void a_place_is_claimed_once() {
        SpaceMap map = map(file(), new int[] {64, 16});
        map.markUsed(1, 3);
        assertThat(map.claimFound(SpaceMap.place(1, 3))).isFalse();
        assertThat(map.claimFound(SpaceMap.place(1, 4))).isTrue();
        assertThat(map.claimFound(SpaceMap.place(1, 4))).isFalse();
        // Behind an end that was farther out, and in no segment: lost, but nobody else's.
        assertThat(map.claimFound(SpaceMap.place(2, 16))).isTrue();
        assertThat(map.claimFound(SpaceMap.place(9, 0))).isTrue();
        assertThat(map.usedBlocks()).isEqualTo(2);
    }

    @Test
    void random_allocation_and_freeing_fit_the_model() {
        MediaFile file = file();
        int[] sizes = {64, 1000, 33_000, 16};
        for (int seed = 0; seed < 5; seed++) {
            Prng prng = new Prng(seed);
            SpaceMap map = map(file, sizes);
            TreeSet<Long> used = new TreeSet<>();
            TreeSet<Long> freed = new TreeSet<>();
            TreeMap<String, byte[]> rows = new TreeMap<>();
            for (int i = 0; i < 100; i++) {
                if (prng.chance(1, 2) && map.freeBlocks() > 0) {
                    allocate(map, prng, used, freed);
                } else if (!used.isEmpty()) {
                    free(map, prng, used, freed);
                }
                assertThat(map.usedBlocks()).isEqualTo(used.size() + freed.size());
                if (prng.chance(1, 4)) {
                    List<Index.Change> changes = new ArrayList<>();
                    map.addChanges(changes);
                    for (Index.Change change : changes) {
                        rows.put(java.util.Arrays.toString(change.key()), change.value());
                    }
                    map.committed();
                    freed.clear();
                    assertThat(loaded(file, sizes, rows)).isEqualTo(used.size());
                }
            }
        }
    }

    private static void allocate(SpaceMap map, Prng prng, TreeSet<Long> used, TreeSet<Long> freed) {
        int count = 1 + prng.nextInt((int) Math.min(map.freeBlocks(), 5000));
        int[] got = new int[1];
        map.allocate(
                count,
                (segment, first, length) -> {
                    assertThat(first + length).isLessThanOrEqualTo(segment.blocks);
                    for (int block = first; block < first + length; block++) {
                        long place = SpaceMap.place(segment.number, block);
                        if (freed.contains(place) || !used.add(place)) {
                            throw new AssertionError("in use: " + place);
                        }
                    }
                    got[0] += length;
                });
        assertThat(got[0]).isEqualTo(count);
    }

    private static void free(SpaceMap map, Prng prng, TreeSet<Long> used, TreeSet<Long> freed) {
        List<Long> places = new ArrayList<>(used);
        int from = prng.nextInt(places.size());
        int to = Math.min(places.size(), from + 1 + prng.nextInt(2000));
        for (long place : places.subList(from, to)) {
            map.freeLater(SpaceMap.segmentOf(place), SpaceMap.blockOf(place));
            used.remove(place);
            freed.add(place);
        }
    }

    /// Blocks in use in a map that is loaded from the committed rows.
    private static long loaded(MediaFile file, int[] sizes, TreeMap<String, byte[]> rows) {
        SpaceMap map = map(file, sizes);
        for (int i = 0; i < sizes.length; i++) {
            for (int piece = 0; piece * SpaceMap.PIECE_BLOCKS < sizes[i]; piece++) {
                byte[] row = rows.get(java.util.Arrays.toString(IndexRows.spaceKey(i + 1, piece)));
                if (row != null) {
                    assertThat(map.load(i + 1, piece, row)).isTrue();
                }
            }
        }
        return map.usedBlocks();
    }

    @Test
    void what_is_written_together_lies_together() {
        SpaceMap map = map(file(), new int[] {1000, 1000});
        List<Integer> runs = new ArrayList<>();
        map.allocate(800, (segment, first, length) -> runs.add(length));
        map.allocate(800, (segment, first, length) -> runs.add(length));
        assertThat(runs).containsExactly(800, 200, 600);
    }
}
