package comet.io.file;

import static org.assertj.core.api.Assertions.assertThat;

import comet.base.Prng;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class UnderWayTest {
    private static final long LOOK_NS = 100;

    private final UnderWay underWay = new UnderWay();
    private long nowNs = 1;

    private record Op(int slot, long beganNs) {}

    private long look() {
        nowNs += LOOK_NS;
        return underWay.oldestNs(nowNs);
    }

    private long looks(int count) {
        long last = 0;
        for (int n = 0; n < count; n++) {
            last = look();
        }
        return last;
    }

    @Test
    void nothing_under_way_has_no_age() {
        assertThat(looks(1000)).isZero();
        underWay.end(underWay.begin());
        assertThat(looks(1000)).isZero();
    }

    @Test
    void what_hangs_grows_older_for_ever_whatever_else_comes_and_goes() {
        int hanging = underWay.begin();
        for (int n = 1; n < 1000; n++) {
            int passing = underWay.begin();
            assertThat(look()).isBetween((n - 1) * LOOK_NS, n * LOOK_NS);
            underWay.end(passing);
        }
        underWay.end(hanging);
        assertThat(look()).isLessThanOrEqualTo(LOOK_NS);
        assertThat(look()).isZero();
    }

    /// Within a look of the truth, except where so much hangs that slots are shared.
    @Test
    void the_age_is_that_of_the_oldest() {
        Prng prng = new Prng(7);
        for (int run = 0; run < 50; run++) {
            List<Op> ops = new ArrayList<>();
            for (int n = 0; n < 2000; n++) {
                if (prng.chance(1, 2)) {
                    ops.add(new Op(underWay.begin(), nowNs));
                }
                while (!ops.isEmpty() && prng.chance(1, 2)) {
                    underWay.end(ops.remove(prng.nextInt(ops.size())).slot());
                }
                ops.removeIf(op -> {
                    boolean over = nowNs - op.beganNs() > 50 * LOOK_NS;
                    if (over) {
                        underWay.end(op.slot());
                    }
                    return over;
                });
                long age = look();
                long oldest = ops.stream().mapToLong(op -> nowNs - op.beganNs()).max().orElse(0);
                assertThat(age).isBetween(oldest - LOOK_NS, oldest);
            }
            ops.forEach(op -> underWay.end(op.slot()));
            looks(70);
        }
    }
}
