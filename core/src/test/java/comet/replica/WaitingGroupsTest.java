package comet.replica;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class WaitingGroupsTest {
    private final WaitingGroups waiting = new WaitingGroups();

    private List<Integer> all() {
        List<Integer> taken = new ArrayList<>();
        while (!waiting.isEmpty()) {
            taken.add(waiting.take());
        }
        return taken;
    }

    @Test
    void those_written_last_come_first_and_the_rest_in_order() {
        for (int pg = 0; pg < 8; pg++) {
            waiting.add(pg);
        }
        waiting.written(5);
        waiting.written(2);
        waiting.written(7);
        waiting.written(5);
        assertThat(all()).containsExactly(5, 7, 2, 0, 1, 3, 4, 6);
    }

    @Test
    void what_does_not_wait_is_not_remembered() {
        waiting.add(1);
        waiting.add(2);
        waiting.written(2);
        waiting.written(3);
        waiting.remove(2);
        waiting.written(2);
        waiting.add(3);
        assertThat(all()).containsExactly(1, 3);
    }
}
