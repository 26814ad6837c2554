package comet.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NbdAddressTest {
    private static final String TCP = "nbd://127.0.0.1:10809/v";
    private static final String NETWORK = "nbd://192.0.2.7:10809/v"; // for documentation: nobody's

    @TempDir Path folder;

    private String socket() {
        return "nbd+unix:///v?socket=" + folder.resolve("nbd.sock");
    }

    @Test
    void the_socket_is_taken_where_it_is_on_this_host() throws IOException {
        Files.createFile(folder.resolve("nbd.sock"));
        assertThat(NbdAddress.usable(List.of(socket(), TCP), true)).isEqualTo(socket());
    }

    @Test
    void a_socket_that_is_not_there_is_skipped() {
        assertThat(NbdAddress.usable(List.of(socket(), TCP), true)).isEqualTo(TCP);
        assertThat(NbdAddress.usable(List.of(socket()), true)).isNull();
    }

    @Test
    void what_another_host_has_for_itself_is_not_looked_for_here() throws IOException {
        Files.createFile(folder.resolve("nbd.sock"));
        assertThat(NbdAddress.usable(List.of(socket(), TCP), false)).isNull();
        assertThat(NbdAddress.usable(List.of(socket(), "nbd://[::1]:1/v"), false)).isNull();
        assertThat(NbdAddress.usable(List.of(socket(), "nbd://0.0.0.0:1/v"), false)).isNull();
        assertThat(NbdAddress.usable(List.of(socket(), NETWORK), false)).isEqualTo(NETWORK);
    }

    @Test
    void addresses_with_tls_and_broken_ones_are_skipped() {
        assertThat(NbdAddress.usable(List.of("nbds://127.0.0.1:1/v", "nbd://a b/", TCP), true))
                .isEqualTo(TCP);
    }
}
