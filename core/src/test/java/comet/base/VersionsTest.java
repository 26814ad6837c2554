package comet.base;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class VersionsTest {
    @Test
    void a_newer_term_is_newer_whatever_the_counts() {
        long old = Versions.of(1, Versions.COUNT_MAX);
        long fresh = Versions.next(old, 2);
        assertThat(Versions.compare(fresh, old)).isPositive();
        assertThat(Versions.count(fresh)).isEqualTo(1);
        assertThat(Versions.term(fresh)).isEqualTo(2);
    }

    @Test
    void the_highest_term_compares_unsigned() {
        assertThat(Versions.compare(Versions.of(Versions.TERM_MAX, 0), Versions.of(1, 5)))
                .isPositive();
    }

    @Test
    void an_overflow_is_a_bug() {
        assertThatThrownBy(() -> Versions.next(Versions.of(3, Versions.COUNT_MAX), 3))
                .isInstanceOf(Check.Failed.class);
    }
}
