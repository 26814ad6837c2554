package comet.cli;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import comet.cli.AdminClient.AdminException;
import org.junit.jupiter.api.Test;

class FioTest {
    @Test
    void nothing_starts_any_more_once_it_was_stopped() {
        Fio fio = new Fio("nbd+unix:///none?socket=/nowhere/none.sock", 64 << 20);
        fio.stop();
        assertThatThrownBy(() -> fio.run(Fio.MATRIX.getFirst(), 1))
                .isInstanceOf(AdminException.class)
                .hasMessage("interrupted");
    }
}
