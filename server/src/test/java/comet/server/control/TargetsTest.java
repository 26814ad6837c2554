package comet.server.control;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class TargetsTest {
    private static List<List<String>> lists(String... addresses) {
        List<List<String>> lists = new ArrayList<>();
        for (String address : addresses) {
            lists.add(List.of(address));
        }
        return lists;
    }

    private static String tried(Targets targets, int count) {
        StringBuilder tried = new StringBuilder();
        for (int i = 0; i < count; i++) {
            tried.append(targets.next().addresses().getFirst());
            targets.moveOn(List.of());
        }
        return tried.toString();
    }

    @Test
    void what_the_config_says_is_tried_in_turn() {
        assertThat(tried(new Targets(null, List.of(), lists("a", "b", "c")), 7))
                .isEqualTo("abcabca");
    }

    @Test
    void whom_the_group_has_told_is_tried_twice_before_the_rest_of_the_config() {
        Targets targets = new Targets(null, lists("x", "b"), lists("a", "b", "c"));
        assertThat(tried(targets, 12)).isEqualTo("xbxbacxbxbac");
    }

    @Test
    void news_of_the_group_keep_the_one_that_leads() {
        Targets targets = new Targets(null, List.of(), lists("a", "b", "c"));
        targets.moveOn(List.of());
        targets.learn(lists("x", "y", "b"), targets.next());
        assertThat(tried(targets, 8)).isEqualTo("bxybacxy");
    }

    @Test
    void a_leader_that_is_named_is_tried_next_though_nobody_knew_it() {
        Targets targets = new Targets(null, List.of(), lists("a", "b"));
        assertThat(targets.moveOn(List.of("z"))).isTrue();
        assertThat(tried(targets, 4)).isEqualTo("zabz");
        assertThat(targets.moveOn(List.of("b"))).isTrue();
        assertThat(targets.moveOn(List.of("b"))).as("it names itself").isFalse();
    }
}
