package comet.base;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;

class BufPoolTest {
    private static final int KEPT_MAX = 8192;

    private int allocations;
    private int failures;
    private final BufPool pool = new BufPool(KEPT_MAX, this::allocate);

    /// Fails as often as `failures` says, then no more.
    private ByteBuffer allocate(int length) {
        allocations++;
        if (failures > 0) {
            failures--;
            throw new OutOfMemoryError("of the test");
        }
        return ByteBuffer.allocateDirect(length);
    }

    private void keep(int length) {
        pool.take(length).release();
    }

    private boolean isKept(int length) {
        int before = allocations;
        keep(length);
        return allocations == before;
    }

    @Test
    void what_is_given_back_is_used_again_up_to_the_bound() {
        Buf first = pool.take(5000);
        Buf second = pool.take(1);
        assertThat(first.capacity()).isEqualTo(8192);
        assertThat(second.capacity()).isEqualTo(4096);
        assertThat(pool.bytesOut()).isEqualTo(8192 + 4096);
        first.release();
        second.release();
        assertThat(pool.bytesOut()).isZero();
        assertThat(pool.take(8192)).isSameAs(first);
        assertThat(pool.take(4096)).as("beyond the bound").isNotSameAs(second);
    }

    @Test
    void a_lower_bound_counts_at_once_and_a_higher_one_from_then_on() {
        Buf first = pool.take(4096);
        keep(4096);
        first.release();
        pool.keepAtMost(4096);
        assertThat(isKept(4096)).as("one of the two").isTrue();
        Buf second = pool.take(4096);
        assertThat(isKept(8192)).isFalse();
        assertThat(isKept(4096)).as("the other one").isFalse();
        second.release();
        pool.keepAtMost(1 << 20);
        keep(8192);
        assertThat(isKept(8192)).isTrue();
        pool.keepAtMost(0);
        assertThat(isKept(8192)).isFalse();
        assertThat(isKept(4096)).isFalse();
    }

    /// Else small requests after large ones would have their memory made anew, each of them.
    @Test
    void what_is_kept_follows_the_sizes_that_are_in_use() {
        keep(8192);
        keep(4096);
        assertThat(isKept(4096)).isTrue();
        assertThat(isKept(8192)).isFalse();
        assertThat(isKept(8192)).isTrue();
    }

    @Test
    void where_memory_is_short_what_is_kept_in_other_sizes_goes_first() {
        pool.keepAtMost(1 << 20);
        keep(4096);
        failures = 1;
        Buf buf = pool.take(8192);
        assertThat(buf.capacity()).isEqualTo(8192);
        assertThat(pool.bytesOut()).isEqualTo(8192);
        assertThat(isKept(4096)).as("the smaller one has gone").isFalse();
    }

    @Test
    void what_went_no_longer_counts_as_kept() {
        pool.keepAtMost(8192 + 4096);
        keep(4096);
        failures = 1;
        keep(8192);
        keep(4096);
        assertThat(isKept(4096)).as("both fill the bound").isTrue();
        assertThat(isKept(8192)).isTrue();
    }

    @Test
    void where_nothing_is_left_to_go_the_taker_is_told_and_nothing_counts_as_out() {
        pool.keepAtMost(1 << 20);
        failures = 1;
        assertThatThrownBy(() -> pool.take(4096)).isInstanceOf(OutOfMemoryError.class);
        assertThat(allocations).as("not tried again").isEqualTo(1);
        assertThat(pool.bytesOut()).isZero();
        keep(4096);
        failures = 2;
        assertThatThrownBy(() -> pool.take(8192)).isInstanceOf(OutOfMemoryError.class);
        assertThat(pool.bytesOut()).isZero();
        keep(8192);
        assertThat(pool.bytesOut()).isZero();
    }
}
