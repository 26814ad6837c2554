package comet.base;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class TokenBucketTest {
    private static final long MS = 1_000_000;
    private static final long SECOND = 1000 * MS;

    private final TokenBucket bucket = new TokenBucket();
    private long nowNs = 5 * SECOND;

    /// Takes as much as it may until then, looking every `everyNs`.
    private long takeUntil(long untilNs, long everyNs, long each) {
        long taken = 0;
        while (nowNs < untilNs) {
            while (bucket.waitNs(nowNs) == 0) {
                bucket.take(each, nowNs);
                taken += each;
            }
            nowNs += everyNs;
        }
        return taken;
    }

    @Test
    void the_rate_is_kept_over_long_and_short_times_whoever_looks_when() {
        for (long rate : new long[] {7, 500, 33_333, 1_000_000, 100 << 20, 1L << 40}) {
            long each = Math.max(1, rate / 1000);
            for (long everyNs : new long[] {100_000, MS, 50 * MS}) {
                bucket.set(rate, 100 * MS, nowNs);
                takeUntil(nowNs + 2 * SECOND, everyNs, each);
                long taken = takeUntil(nowNs + 30 * SECOND, everyNs, each);
                assertThat(taken / 30.0)
                        .as("%s, looking every %s ns", rate, everyNs)
                        .isCloseTo(rate, within(rate * 0.01 + each / 30.0 + 0.1));
                if (rate >= 500) {
                    long few = takeUntil(nowNs + 200 * MS, everyNs, each);
                    assertThat(few * 5.0)
                            .as("%s over 200 ms, looking every %s ns", rate, everyNs)
                            .isCloseTo(rate, within(rate * 0.26));
                }
            }
        }
    }

    @Test
    void what_was_not_taken_may_be_taken_at_once_up_to_the_allowance() {
        bucket.set(100, 3 * SECOND, nowNs);
        nowNs += 100 * SECOND;
        assertThat(takeUntil(nowNs + 1, 1, 1)).isEqualTo(301);
        nowNs += SECOND;
        assertThat(takeUntil(nowNs + 1, 1, 1)).isEqualTo(100);
    }

    @Test
    void a_large_one_passes_and_those_behind_it_wait() {
        bucket.set(100, 0, nowNs);
        assertThat(bucket.waitNs(nowNs)).isZero();
        bucket.take(1000, nowNs);
        assertThat(bucket.waitNs(nowNs)).isEqualTo(10 * SECOND);
        bucket.take(0, nowNs);
        assertThat(bucket.waitNs(nowNs + 10 * SECOND)).isZero();
    }

    @Test
    void a_higher_rate_shortens_the_wait_and_a_lower_one_does_not_lengthen_it() {
        bucket.set(10, 0, nowNs);
        bucket.take(100, nowNs);
        bucket.set(1000, 0, nowNs);
        assertThat(bucket.waitNs(nowNs)).isEqualTo(100 * MS);
        bucket.set(1, 0, nowNs);
        assertThat(bucket.waitNs(nowNs)).isEqualTo(100 * MS);
        bucket.set(0, 0, nowNs);
        assertThat(bucket.waitNs(nowNs)).isZero();
        bucket.set(1, 0, nowNs);
        assertThat(bucket.waitNs(nowNs)).as("the past is forgotten").isZero();
    }

    @Test
    void no_rate_is_no_limit_and_the_largest_numbers_fit() {
        assertThat(bucket.unlimited()).isTrue();
        bucket.take(Long.MAX_VALUE, nowNs);
        assertThat(bucket.waitNs(nowNs)).isZero();
        bucket.set(1L << 40, 3600 * SECOND, nowNs);
        bucket.take(Long.MAX_VALUE, nowNs);
        assertThat(bucket.waitNs(nowNs)).isZero();
        bucket.set(1, 0, nowNs);
        bucket.take(Long.MAX_VALUE, nowNs);
        assertThat(bucket.waitNs(nowNs)).isPositive();
    }
}
