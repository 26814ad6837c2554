package comet.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class IncarnationTest {
    @Test
    void a_line_begins_above_all_before_it_and_in_the_same_incarnation() {
        long epoch = Incarnation.first(3, 17);
        for (int n = 0; n < 255; n++) {
            long next = Incarnation.nextLine(epoch);
            assertThat(next).isGreaterThan(epoch);
            assertThat(Incarnation.line(next)).isEqualTo(Incarnation.line(epoch) + 1);
            assertThat(Incarnation.of(next)).isEqualTo(3);
            epoch = next;
        }
        assertThat(Incarnation.nextLine(epoch)).isEqualTo(epoch + 1);
    }

    @Test
    void an_incarnation_begins_a_line() {
        long epoch = Incarnation.nextLine(Incarnation.nextLine(5));
        long made = Incarnation.first(1, epoch);
        assertThat(Incarnation.line(made)).isGreaterThan(Incarnation.line(epoch));
        assertThat(Incarnation.line(epoch + 1)).isEqualTo(Incarnation.line(epoch));
    }
}
