package comet.server.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class NbdLimitsTest {
    @Test
    void where_there_is_little_memory_requests_have_a_quarter_of_it() {
        NbdLimits standard = NbdLimits.DEFAULT;
        assertThat(standard.within(4L << 30)).isEqualTo(standard);
        assertThat(standard.within(512L << 20).totalBytesMax()).isEqualTo(128L << 20);
        // One request of the largest size fits all the same.
        assertThat(standard.within(1 << 20).totalBytesMax()).isEqualTo(NbdLimits.REQUEST_BYTES_MAX);
    }
}
