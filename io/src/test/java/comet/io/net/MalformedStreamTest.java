package comet.io.net;

import static org.assertj.core.api.Assertions.assertThat;

import comet.base.Crc;
import comet.base.Prng;
import comet.io.net.Peers.Client;
import comet.io.net.Peers.Echo;
import comet.io.testing.TestLoop;
import comet.wire.Frame;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A peer that sends what is no stream of frames loses its connection; nobody else notices, and
/// nothing is kept of it.
class MalformedStreamTest {
    @TempDir Path folder;
    private final Echo echo = new Echo();
    private final Client neighbour = new Client();
    private TestLoop test;
    private SocketListener listener;

    @BeforeEach
    void listen() throws IOException {
        test = new TestLoop();
        listener = SocketListener.listen(test.loop, new Address.Unix(folder.resolve("s")), echo);
        List<String> addresses = List.of(listener.address().toString());
        test.on(() -> new SocketDialer(test.loop).dial(addresses, neighbour));
        test.until("connected", () -> neighbour.connection != null);
    }

    @AfterEach
    void othersAreServedAndNothingIsLeft() {
        test.on(() -> neighbour.connection().send(Peers.make(test.loop, 4711, 100, 100_000)));
        test.until("the neighbour is served", () -> neighbour.requestIds.contains(4711L));
        assertThat(neighbour.wrong).isEmpty();
        assertThat(neighbour.closed).isNull();
        test.until(
                "all is released",
                () -> test.loop.frames().out() == 0 && test.loop.bufs().bytesOut() == 0);
        listener.close();
        test.close();
    }

    @Test
    void random_bytes() throws IOException {
        Prng prng = new Prng(1);
        for (int round = 0; round < 200; round++) {
            byte[] bytes = new byte[24 + prng.nextInt(2000)];
            for (int i = 0; i < bytes.length; i++) {
                bytes[i] = (byte) prng.nextLong();
            }
            assertEnded(bytes, true);
        }
    }

    @Test
    void lengths_out_of_bounds() throws IOException {
        int[][] cases = {
            {23, 23},
            {24, 23},
            {24, 25},
            {0, 0},
            {24, -1},
            {-1, 24},
            {Integer.MAX_VALUE, 24},
            {Integer.MIN_VALUE, 24},
            {Frame.FRAME_BYTES_MAX, Frame.HEAD_BYTES_MAX + 1},
            {24 + (4 << 20) + 1, 24}
        };
        for (int[] lengths : cases) {
            byte[] bytes = frame(24, 0);
            ByteBuffer.wrap(bytes)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putInt(0, lengths[0])
                    .putInt(4, lengths[1]);
            assertEnded(bytes, true);
        }
    }

    @Test
    void one_bit_flipped_in_a_head() throws IOException {
        byte[] whole = frame(72, 0);
        for (int bit = 0; bit < whole.length * 8; bit++) {
            byte[] bytes = whole.clone();
            bytes[bit >> 3] ^= (byte) (1 << (bit & 7));
            // A longer length makes the peer wait for the rest, until the stream ends.
            assertEnded(bytes, false);
        }
        assertThat(echo.connected).isEqualTo(1 + whole.length * 8);
    }

    @Test
    void cut_off_at_any_byte() throws IOException {
        byte[] whole = frame(80, 20_000);
        for (int bytes = 0; bytes < whole.length; bytes += bytes < 100 ? 1 : 977) {
            byte[] part = java.util.Arrays.copyOf(whole, bytes);
            assertEnded(part, false);
        }
    }

    @Test
    void byte_by_byte_is_as_good_as_whole() throws IOException {
        byte[] whole = frame(80, 300);
        try (SocketChannel socket = connect()) {
            for (byte one : whole) {
                socket.write(ByteBuffer.wrap(new byte[] {one}));
            }
            ByteBuffer back = ByteBuffer.allocate(whole.length);
            int count = 0;
            while (back.hasRemaining() && count >= 0) {
                count = socket.read(back);
            }
            assertThat(back.array()).isEqualTo(whole);
        }
    }

    @Test
    void gone_before_it_is_answered() throws IOException {
        byte[] small = frame(72, 300);
        byte[] large = frame(72, 40_000);
        for (int round = 0; round < 200; round++) {
            int before = test.loop.call(() -> echo.ends.size());
            ByteBuffer all = ByteBuffer.allocate(5 * (small.length + large.length));
            for (int i = 0; i < 5; i++) {
                all.put(small).put(round % 2 == 0 ? large : small);
            }
            all.flip();
            try (SocketChannel socket = connect()) {
                socket.write(all);
            }
            test.until("its end is told", () -> echo.ends.size() == before + 1);
        }
    }

    /// Sends `bytes` and sees the connection end without an answer.
    ///
    /// @param atOnce the server ends it by itself, while this side still has its socket open
    private void assertEnded(byte[] bytes, boolean atOnce) throws IOException {
        int before = test.loop.call(() -> echo.ends.size());
        try (SocketChannel socket = connect()) {
            socket.write(ByteBuffer.wrap(bytes));
            if (!atOnce) {
                socket.shutdownOutput();
            }
            int count;
            try {
                count = socket.read(ByteBuffer.allocate(100));
            } catch (IOException reset) {
                count = -1;
            }
            assertThat(count).isEqualTo(-1);
        }
        test.until("its end is told", () -> echo.ends.size() == before + 1);
        if (atOnce) {
            assertThat(test.loop.call(() -> echo.ends.getLast())).startsWith("malformed");
        }
    }

    private SocketChannel connect() throws IOException {
        SocketChannel socket = SocketChannel.open(StandardProtocolFamily.UNIX);
        socket.connect(UnixDomainSocketAddress.of(folder.resolve("s")));
        return socket;
    }

    /// A sound frame as it travels.
    private byte[] frame(int headBytes, int dataBytes) {
        return test.loop.call(() -> {
            Frame frame = Peers.make(test.loop, 9, headBytes, dataBytes);
            frame.seal(new Crc());
            byte[] bytes = java.util.Arrays.copyOf(frame.head(), headBytes + dataBytes);
            if (dataBytes > 0) {
                frame.data().bytes().get(frame.dataOffset(), bytes, headBytes, dataBytes);
            }
            frame.release();
            return bytes;
        });
    }
}
