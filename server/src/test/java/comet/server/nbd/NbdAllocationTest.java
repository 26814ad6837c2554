package comet.server.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import comet.io.loop.EventLoop;
import comet.io.loop.Transport;
import comet.io.net.Address;
import comet.volume.BlockDevice;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// What a request costs in garbage, from socket to device and back: bytes that the loop's thread
/// allocates, over many requests at steady state.
class NbdAllocationTest {
    private static final int WARM_UP = 60_000;
    private static final int MEASURED = 40_000;

    /// One object per request would be 16 bytes or more. Netty makes a few where a socket is full.
    private static final double BYTES_PER_SMALL_REQUEST_MAX = 4;

    /// A slice per read or write of a large buffer, and the objects of a full socket.
    private static final double BYTES_PER_LARGE_REQUEST_MAX = 64;

    /// Until the compiler has caught up, on a machine that is busy.
    private static final int ATTEMPTS = 5;

    private final EventLoop loop =
            EventLoop.start("nbd", Transport.best(), failure -> failure.printStackTrace());
    private final QuietDevice device = new QuietDevice(loop, 1L << 30);
    private final NbdServer server =
            new NbdServer(loop, new One(device), NbdLimits.DEFAULT, (level, code, details) -> {});
    private SocketChannel client;

    private record One(BlockDevice device) implements Exports {
        @Override
        public void list(Listed listed) {
            listed.listed(List.of());
        }

        @Override
        public void find(String name, Found found) {
            found.refused(Refusal.UNKNOWN, "");
        }

        @Override
        public void open(String name, Opened opened) {
            opened.opened(new Export(name, "", device.sizeBytes(), false), device);
        }

        @Override
        public void close(BlockDevice device) {}
    }

    @BeforeEach
    void connect(@TempDir Path folder) throws Exception {
        Path path = folder.resolve("nbd.sock");
        server.listen(new Address.Unix(path)).get();
        client = SocketChannel.open(StandardProtocolFamily.UNIX);
        client.connect(UnixDomainSocketAddress.of(path));
        write(ByteBuffer.wrap(new Bytes().u32(3).option(8).go(7, "x").array()));
        read(ByteBuffer.allocate(18 + 20 + 20 + 12 + 20));
    }

    @AfterEach
    void close() throws Exception {
        client.close();
        server.stop(Duration.ofSeconds(5)).join();
        loop.close();
    }

    private void write(ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            client.write(bytes);
        }
    }

    private void read(ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            if (client.read(bytes) < 0) {
                throw new IOException("closed");
            }
        }
    }

    private long allocated() {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        return loop.call(threads::getCurrentThreadAllocatedBytes);
    }

    @ParameterizedTest(name = "command {0}, {1} bytes, depth {2}")
    @CsvSource({
        "0,4096,1",
        "0,4096,32",
        "0,65536,8",
        "1,4096,1",
        "1,4096,32",
        "1,65536,8",
        "3,0,32"
    })
    void a_request_leaves_no_garbage(int command, int length, int depth) throws Exception {
        Bytes batch = new Bytes();
        for (int i = 0; i < depth; i++) {
            batch.request(0, command, i, command == 3 ? 0 : i * 65536L, length);
            if (command == 1) {
                batch.zeroes(length);
            }
        }
        ByteBuffer requests = ByteBuffer.allocateDirect(batch.size()).put(batch.array());
        ByteBuffer replies = ByteBuffer.allocateDirect(depth * (command == 0 ? 28 + length : 16));
        run(requests, replies, Math.max(200, WARM_UP / depth));
        double limit = length <= 4096 ? BYTES_PER_SMALL_REQUEST_MAX : BYTES_PER_LARGE_REQUEST_MAX;
        double perRequest = measure(requests, replies, depth);
        for (int i = 1; i < ATTEMPTS && perRequest > limit; i++) {
            perRequest = measure(requests, replies, depth);
        }
        System.out.printf(
                "nbd command=%d length=%d depth=%d allocated_bytes_per_request=%.2f%n",
                command, length, depth, perRequest);
        assertThat(perRequest).isLessThan(limit);
    }

    private double measure(ByteBuffer requests, ByteBuffer replies, int depth) throws IOException {
        int rounds = MEASURED / depth;
        long before = allocated();
        run(requests, replies, rounds);
        return (allocated() - before) / (double) (rounds * depth);
    }

    private void run(ByteBuffer requests, ByteBuffer replies, int rounds) throws IOException {
        for (int i = 0; i < rounds; i++) {
            write(requests.rewind());
            read(replies.clear());
        }
    }
}
