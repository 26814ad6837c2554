package comet.base;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class LongObjectMapTest {
    @Test
    void behaves_like_a_tree_map_under_random_changes() {
        for (int seed = 0; seed < 50; seed++) {
            Prng prng = new Prng(seed);
            LongObjectMap<Long> map = new LongObjectMap<>();
            TreeMap<Long, Long> model = new TreeMap<>();
            for (int i = 0; i < 2000; i++) {
                long key = prng.nextLong(200) - 100;
                if (prng.chance(1, 2)) {
                    assertThat(map.put(key, (long) i)).isEqualTo(model.put(key, (long) i));
                } else {
                    assertThat(map.remove(key)).isEqualTo(model.remove(key));
                }
                assertThat(map.size()).isEqualTo(model.size());
            }
            TreeMap<Long, Long> walked = new TreeMap<>();
            for (int slot = 0; slot < map.slots(); slot++) {
                Long value = map.valueAt(slot);
                if (value != null) {
                    walked.put(map.keyAt(slot), value);
                }
            }
            assertThat(walked).isEqualTo(model);
        }
    }
}
