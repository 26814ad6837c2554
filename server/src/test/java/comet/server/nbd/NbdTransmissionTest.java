package comet.server.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import comet.port.Errno;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Requests and replies, byte by byte.
class NbdTransmissionTest {
    private static final int FUA = 1;
    private static final int NO_HOLE = 2;
    private static final int DF = 4;
    private static final int REQ_ONE = 8;
    private static final int FAST_ZERO = 16;
    private static final int READ = 0;
    private static final int WRITE = 1;
    private static final int DISC = 2;
    private static final int FLUSH = 3;
    private static final int TRIM = 4;
    private static final int CACHE = 5;
    private static final int ZEROES = 6;
    private static final int STATUS = 7;
    private static final int SIZE = 16 << 20;
    private static final int CHUNK = 4 << 20;

    private final MemoryExports exports = new MemoryExports();
    private final MemoryDevice device = exports.add("disk0", SIZE, false);
    private final MemoryDevice frozen = exports.add("frozen", 8192, true);
    private final NbdShared shared = Client.shared(exports);
    private final Client simple = Client.entered(shared, "disk0", false, false);
    private final Client chunks = Client.entered(shared, "disk0", true, true);

    @AfterEach
    void nothing_is_left() {
        pump();
        for (Client client : clients) {
            client.die();
        }
        simple.die();
        chunks.die();
        pump();
        Client.assertNothingHeld(shared);
        assertThat(exports.open).isZero();
    }

    private final List<Client> clients = new ArrayList<>();

    private Client client(String name, boolean structured) {
        Client client = Client.entered(shared, name, structured, structured);
        clients.add(client);
        return client;
    }

    private void pump() {
        while (device.pump() || frozen.pump()) {
            simple.pump();
            chunks.pump();
            clients.forEach(Client::pump);
        }
    }

    private static byte[] pattern(int length, int seed) {
        byte[] bytes = new byte[length];
        new java.util.Random(seed).nextBytes(bytes);
        return bytes;
    }

    @Test
    void write_read_flush_with_simple_replies() {
        byte[] data = pattern(5000, 1);
        simple.send(new Bytes().request(0, WRITE, 0x1122334455667788L, 1000, 5000).raw(data));
        simple.expectNothing();
        pump();
        simple.expect(new Bytes().hex("67446698 00000000 1122334455667788"));
        assertThat(device.content(1000, 5000)).isEqualTo(data);
        simple.send(new Bytes().request(0, READ, 2, 1000, 5000));
        pump();
        simple.expect(new Bytes().simple(0, 2).raw(data));
        simple.send(new Bytes().request(0, FLUSH, 3, 0, 0));
        pump();
        simple.expect(new Bytes().simple(0, 3));
        assertThat(device.asked).containsExactly("write 1000 5000", "read 1000 5000", "flush 0 0");
    }

    @Test
    void a_read_in_chunks_is_data_or_a_hole() {
        byte[] data = pattern(512, 2);
        chunks.send(new Bytes().request(0, WRITE, 1, 4096, 512).raw(data));
        pump();
        chunks.expect(new Bytes().simple(0, 1));
        chunks.send(new Bytes().request(0, READ, 2, 4096, 512));
        pump();
        chunks.expect(new Bytes().chunk(1, 1, 2, new Bytes().u64(4096).raw(data)));
        chunks.send(new Bytes().request(0, READ, 3, 8192, 70000));
        pump();
        chunks.expect(new Bytes().chunk(1, 2, 3, new Bytes().u64(8192).u32(70000)));
        // Partly zero is data, and so is everything for a client that wants one piece.
        chunks.send(new Bytes().request(0, READ, 4, 4000, 100));
        pump();
        chunks.expect(
                new Bytes().chunk(1, 1, 4, new Bytes().u64(4000).zeroes(96).raw(first(data, 4))));
        chunks.send(new Bytes().request(DF, READ, 5, 8192, 3));
        pump();
        chunks.expect(new Bytes().chunk(1, 1, 5, new Bytes().u64(8192).zeroes(3)));
    }

    private static byte[] first(byte[] bytes, int count) {
        return java.util.Arrays.copyOf(bytes, count);
    }

    @Test
    void long_requests_are_cut_at_chunk_borders() {
        byte[] data = pattern(2 * CHUNK + 300, 3);
        chunks.send(new Bytes().request(FUA, WRITE, 1, CHUNK - 200, data.length).raw(data));
        pump();
        chunks.expect(new Bytes().simple(0, 1));
        assertThat(device.asked)
                .containsExactly(
                        "write " + (CHUNK - 200) + " 200 fua",
                        "write " + CHUNK + " " + CHUNK + " fua",
                        "write " + 2 * CHUNK + " " + CHUNK + " fua",
                        "write " + 3 * CHUNK + " 100 fua");
        assertThat(device.content(CHUNK - 200, data.length)).isEqualTo(data);
        device.asked.clear();
        simple.send(new Bytes().request(0, READ, 2, CHUNK - 200, data.length));
        assertThat(device.asked).hasSize(4);
        pump();
        simple.expect(new Bytes().simple(0, 2).raw(data));
        chunks.send(new Bytes().request(0, READ, 3, CHUNK - 200, data.length));
        pump();
        chunks.expect(new Bytes().chunk(1, 1, 3, new Bytes().u64(CHUNK - 200).raw(data)));
    }

    @Test
    void whole_chunks_of_zeros_are_holes_between_data() {
        byte[] data = pattern(100, 4);
        chunks.send(new Bytes().request(0, WRITE, 1, CHUNK, 100).raw(data));
        pump();
        chunks.expect(new Bytes().simple(0, 1));
        chunks.send(new Bytes().request(0, READ, 2, 0, 3 * CHUNK + 7));
        pump();
        chunks.expect(
                new Bytes()
                        .chunk(0, 2, 2, new Bytes().u64(0).u32(CHUNK))
                        .chunk(0, 1, 2, new Bytes().u64(CHUNK).raw(data).zeroes(CHUNK - 100))
                        .chunk(1, 2, 2, new Bytes().u64(2 * CHUNK).u32(CHUNK + 7)));
        chunks.send(new Bytes().request(DF, READ, 3, 0, 2 * CHUNK));
        pump();
        chunks.expect(
                new Bytes()
                        .chunk(
                                1,
                                1,
                                3,
                                new Bytes().u64(0).zeroes(CHUNK).raw(data).zeroes(CHUNK - 100)));
    }

    @Test
    void the_largest_payload_passes_and_more_is_refused() {
        MemoryDevice large = exports.add("large", 40 << 20, false);
        for (boolean structured : new boolean[] {false, true}) {
            Client client = client("large", structured);
            byte[] data = pattern(32 << 20, 5);
            client.send(new Bytes().request(0, WRITE, 1, 0, data.length).raw(data));
            while (large.pump()) {
                client.pump();
            }
            client.expect(new Bytes().simple(0, 1));
            client.send(new Bytes().request(DF, READ, 2, 0, structured ? 32 << 20 : 1));
            while (large.pump()) {
                client.pump();
            }
            if (structured) {
                client.expect(new Bytes().chunk(1, 1, 2, new Bytes().u64(0).raw(data)));
            } else {
                client.expect(new Bytes().simple(Errno.EINVAL, 2));
            }
            client.send(new Bytes().request(0, WRITE, 3, 0, data.length + 1).raw(data).u8(0));
            client.send(new Bytes().request(0, READ, 4, 0, data.length + 1));
            String text = "longer than the maximum payload";
            client.expect(
                    structured
                            ? new Bytes()
                                    .errorChunk(3, Errno.EINVAL, text)
                                    .errorChunk(4, Errno.EOVERFLOW, text)
                            : new Bytes().simple(Errno.EINVAL, 3).simple(Errno.EINVAL, 4));
            // No payload, no bound.
            client.send(new Bytes().request(FAST_ZERO, ZEROES, 5, 0, 40 << 20));
            while (large.pump()) {
                client.pump();
            }
            client.expect(new Bytes().simple(0, 5));
        }
    }

    @Test
    void what_lies_past_the_end_is_refused_with_the_right_error() {
        String text = "past the end of the export";
        for (long offset : new long[] {SIZE - 9, SIZE, SIZE + 1, Long.MAX_VALUE, -1, -9, -10}) {
            int length = offset == SIZE - 9 ? 10 : offset == SIZE ? 1 : 10;
            chunks.send(new Bytes().request(0, READ, 1, offset, length));
            chunks.expect(new Bytes().errorChunk(1, Errno.EINVAL, text));
            chunks.send(new Bytes().request(0, WRITE, 2, offset, length).zeroes(length));
            chunks.expect(new Bytes().errorChunk(2, Errno.ENOSPC, text));
            chunks.send(new Bytes().request(0, TRIM, 3, offset, length));
            chunks.expect(new Bytes().errorChunk(3, Errno.EINVAL, text));
            chunks.send(new Bytes().request(0, CACHE, 4, offset, length));
            chunks.expect(new Bytes().errorChunk(4, Errno.EINVAL, text));
            chunks.send(new Bytes().request(0, ZEROES, 5, offset, length));
            chunks.expect(new Bytes().errorChunk(5, Errno.ENOSPC, text));
            chunks.send(new Bytes().request(0, STATUS, 6, offset, length));
            chunks.expect(new Bytes().errorChunk(6, Errno.EINVAL, text));
            simple.send(new Bytes().request(0, WRITE, 7, offset, length).zeroes(length));
            simple.expect(new Bytes().simple(Errno.ENOSPC, 7));
            simple.send(new Bytes().request(0, READ, 8, offset, length));
            simple.expect(new Bytes().simple(Errno.EINVAL, 8));
        }
        chunks.send(new Bytes().request(0, ZEROES, 9, 4096, 0xffffffffL));
        chunks.expect(new Bytes().errorChunk(9, Errno.ENOSPC, text));
        assertThat(device.asked).isEmpty();
    }

    @Test
    void a_read_only_export_refuses_what_writes() {
        Client client = client("frozen", true);
        String text = "the export is read-only";
        client.send(new Bytes().request(0, WRITE, 1, 0, 5).zeroes(5));
        client.send(new Bytes().request(0, TRIM, 2, 0, 5));
        client.send(new Bytes().request(FAST_ZERO, ZEROES, 3, 0, 5));
        client.send(new Bytes().request(0, WRITE, 4, 8192, 5).zeroes(5));
        client.send(new Bytes().request(0, WRITE, 5, 0, 0));
        client.expect(
                new Bytes()
                        .errorChunk(1, Errno.EPERM, text)
                        .errorChunk(2, Errno.EPERM, text)
                        .errorChunk(3, Errno.EPERM, text)
                        .errorChunk(4, Errno.EPERM, text)
                        .errorChunk(5, Errno.EPERM, text));
        client.send(new Bytes().request(0, FLUSH, 6, 0, 0));
        client.send(new Bytes().request(0, READ, 7, 0, 8192));
        frozen.inOrder = true;
        pump();
        client.expect(new Bytes().simple(0, 6).chunk(1, 2, 7, new Bytes().u64(0).u32(8192)));
    }

    @Test
    void unknown_flags_and_commands_are_refused_behind_their_data() {
        String text = "unknown flag, or a flag of another command";
        chunks.send(new Bytes().request(NO_HOLE, WRITE, 1, 0, 5000).zeroes(5000));
        chunks.send(new Bytes().request(0x8000, READ, 2, 0, 1));
        chunks.send(new Bytes().request(DF, WRITE, 3, 0, 1).zeroes(1));
        chunks.send(new Bytes().request(REQ_ONE, READ, 4, 0, 1));
        chunks.send(new Bytes().request(FAST_ZERO, TRIM, 5, 0, 1));
        chunks.send(new Bytes().request(32, STATUS, 6, 0, 1));
        chunks.send(new Bytes().request(NO_HOLE, FLUSH, 7, 0, 0));
        chunks.send(new Bytes().request(NO_HOLE, CACHE, 8, 0, 1));
        Bytes refused = new Bytes();
        for (int cookie = 1; cookie <= 8; cookie++) {
            refused.errorChunk(cookie, Errno.EINVAL, text);
        }
        chunks.expect(refused);
        for (int command : new int[] {8, 9, 255, 0xffff}) {
            chunks.send(new Bytes().request(0, command, 9, 0, 77));
            chunks.expect(new Bytes().errorChunk(9, Errno.EINVAL, "unknown command"));
            simple.send(new Bytes().request(0, command, 9, 0, 77));
            simple.expect(new Bytes().simple(Errno.EINVAL, 9));
        }
        simple.send(new Bytes().request(DF, READ, 10, 0, 1));
        simple.expect(new Bytes().simple(Errno.EINVAL, 10));
        assertThat(device.asked).isEmpty();
    }

    @Test
    void fua_is_taken_on_every_command_and_reaches_the_device_where_it_counts() {
        chunks.send(new Bytes().request(FUA, READ, 1, 0, 1));
        chunks.send(new Bytes().request(FUA, WRITE, 2, 0, 1).u8(9));
        chunks.send(new Bytes().request(FUA, FLUSH, 3, 0, 0));
        chunks.send(new Bytes().request(FUA, TRIM, 4, 0, 4096));
        chunks.send(new Bytes().request(FUA, CACHE, 5, 0, 4096));
        chunks.send(new Bytes().request(FUA | NO_HOLE, ZEROES, 6, 0, 4096));
        chunks.send(new Bytes().request(FUA, STATUS, 7, 0, 4096));
        assertThat(device.asked)
                .containsExactly(
                        "read 0 1",
                        "write 0 1 fua",
                        "flush 0 0",
                        "trim 0 4096 fua",
                        "zero 0 4096 fua no-hole",
                        "status 0 4096");
        pump();
        assertThat(shared.counters.requestsFailed).isZero();
        chunks.received();
    }

    @Test
    void requests_of_no_bytes_do_nothing() {
        for (Client client : List.of(simple, chunks)) {
            client.send(new Bytes().request(0, READ, 1, 0, 0));
            client.expect(
                    client == simple
                            ? new Bytes().simple(0, 1)
                            : new Bytes().chunk(1, 0, 1, new Bytes()));
            client.send(new Bytes().request(FUA, WRITE, 2, 0, 0));
            client.send(new Bytes().request(0, TRIM, 3, SIZE, 0));
            client.send(new Bytes().request(0, CACHE, 4, 0, 0));
            client.send(new Bytes().request(0, ZEROES, 5, 0, 0));
            client.expect(new Bytes().simple(0, 2).simple(0, 3).simple(0, 4).simple(0, 5));
        }
        chunks.send(new Bytes().request(0, STATUS, 6, 0, 0));
        chunks.expect(new Bytes().errorChunk(6, Errno.EINVAL, "a status of no bytes"));
        simple.send(new Bytes().request(0, STATUS, 7, 0, 512));
        simple.expect(new Bytes().simple(Errno.EINVAL, 7));
        chunks.send(new Bytes().request(0, FLUSH, 8, 0, 1));
        chunks.expect(
                new Bytes().errorChunk(8, Errno.EINVAL, "a flush has no offset and no length"));
        assertThat(device.asked).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 5, 12, 22, 28, 30, 75, 95, 108, 110, 4711})
    void errors_of_the_device_become_those_of_the_protocol(int errno) {
        int expected =
                switch (errno) {
                    case 1, 5, 12, 22, 28, 108 -> errno;
                    case 30 -> 1;
                    default -> 5;
                };
        device.nextErrno = errno;
        chunks.send(new Bytes().request(0, READ, 1, 0, 5));
        pump();
        chunks.expect(new Bytes().errorChunk(1, expected, ""));
        device.nextErrno = errno;
        simple.send(new Bytes().request(0, READ, 2, 0, 5));
        pump();
        simple.expect(new Bytes().simple(expected, 2));
        device.nextErrno = errno;
        chunks.send(new Bytes().request(0, STATUS, 3, 0, 5));
        pump();
        chunks.expect(new Bytes().errorChunk(3, expected, ""));
    }

    @Test
    void one_bad_piece_fails_the_request_once() {
        device.nextErrno = Errno.EIO;
        chunks.send(new Bytes().request(0, READ, 1, 0, 3 * CHUNK));
        pump();
        chunks.expect(new Bytes().errorChunk(1, Errno.EIO, ""));
        device.nextErrno = Errno.ENOSPC;
        chunks.send(new Bytes().request(0, WRITE, 2, 0, 3 * CHUNK).zeroes(3 * CHUNK));
        pump();
        chunks.expect(new Bytes().errorChunk(2, Errno.ENOSPC, ""));
    }

    @Test
    void fast_zero_may_be_unsupported() {
        chunks.send(new Bytes().request(FAST_ZERO | NO_HOLE, ZEROES, 1, 0, 4096));
        pump();
        chunks.expect(new Bytes().errorChunk(1, Errno.ENOTSUP, ""));
        chunks.send(new Bytes().request(FAST_ZERO, ZEROES, 2, 0, 4096));
        pump();
        chunks.expect(new Bytes().simple(0, 2));
    }

    @Test
    void status_joins_neighbours_and_ends_with_the_request() {
        device.fill(8192, 8192, 1);
        chunks.send(new Bytes().request(0, STATUS, 1, 100, 20000));
        pump();
        chunks.expect(
                new Bytes()
                        .chunk(
                                1,
                                5,
                                1,
                                new Bytes()
                                        .u32(1)
                                        .u32(8092)
                                        .u32(3)
                                        .u32(8192)
                                        .u32(0)
                                        .u32(3716)
                                        .u32(3)));
        chunks.send(new Bytes().request(REQ_ONE, STATUS, 2, 100, 20000));
        pump();
        chunks.expect(new Bytes().chunk(1, 5, 2, new Bytes().u32(1).u32(8092).u32(3)));
        chunks.send(new Bytes().request(REQ_ONE, STATUS, 3, 100, 20));
        pump();
        chunks.expect(new Bytes().chunk(1, 5, 3, new Bytes().u32(1).u32(20).u32(3)));
        chunks.send(new Bytes().request(0, STATUS, 4, 0, SIZE));
        pump();
        chunks.expect(
                new Bytes()
                        .chunk(
                                1,
                                5,
                                4,
                                new Bytes()
                                        .u32(1)
                                        .u32(8192)
                                        .u32(3)
                                        .u32(8192)
                                        .u32(0)
                                        .u32(SIZE - 16384)
                                        .u32(3)));
    }

    @Test
    void a_long_status_is_cut_short() {
        MemoryDevice striped = exports.add("striped", 80 << 20, false);
        for (int block = 0; block < 20000; block += 2) {
            striped.fill(block * 4096L, 1, block);
        }
        Client client = client("striped", true);
        client.send(new Bytes().request(0, STATUS, 1, 0, 80 << 20));
        client.slow = true;
        striped.pump();
        Bytes extents = new Bytes().u32(1);
        for (int i = 0; i < 8192; i++) {
            extents.u32(4096).u32(i % 2 == 0 ? 0 : 3);
        }
        client.expect(new Bytes().chunk(1, 5, 1, extents));
        assertThat(client.session.bytesHeld()).isEqualTo(65536);
        client.deliver();
        assertThat(client.session.bytesHeld()).isZero();
    }

    @Test
    void a_slow_device_says_how_much_is_taken_from_a_client() {
        device.heldBytesMax = 10_000;
        Bytes requests = new Bytes();
        for (int i = 0; i < 6; i++) {
            requests.request(0, WRITE, i, i * 4096L, 4096).raw(pattern(4096, i));
        }
        requests.request(0, FLUSH, 6, 0, 0);
        simple.send(requests);
        assertThat(device.waiting()).isEqualTo(2);
        device.pump();
        simple.pump();
        assertThat(device.waiting()).isEqualTo(2);
        // One that is larger than all that is wanted comes alone.
        device.heldBytesMax = 1;
        pump();
        assertThat(simple.received()).hasSize(7 * 16);
        assertThat(device.content(5 * 4096L, 4096)).isEqualTo(pattern(4096, 5));
    }

    @Test
    void many_requests_are_answered_in_any_order() {
        Bytes requests = new Bytes();
        for (int i = 0; i < 200; i++) {
            requests.request(0, WRITE, i, i * 4096L, 4096).raw(pattern(4096, i));
        }
        simple.send(requests);
        assertThat(device.waiting()).isEqualTo(200);
        pump();
        byte[] replies = simple.received();
        assertThat(replies).hasSize(200 * 16);
        java.util.BitSet cookies = new java.util.BitSet();
        boolean ordered = true;
        for (int i = 0; i < 200; i++) {
            int cookie = (replies[i * 16 + 14] & 0xff) << 8 | replies[i * 16 + 15] & 0xff;
            ordered &= cookie == i;
            cookies.set(cookie);
        }
        assertThat(cookies.cardinality()).isEqualTo(200);
        assertThat(ordered).isFalse();
        for (int i = 0; i < 200; i++) {
            assertThat(device.content(i * 4096L, 4096)).isEqualTo(pattern(4096, i));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3, 27, 29, 1000})
    void it_does_not_matter_in_which_parts_the_bytes_come(int step) {
        byte[] data = pattern(3000, 9);
        device.inOrder = true;
        chunks.sendInParts(
                new Bytes()
                        .request(0, WRITE, 1, 5, 3000)
                        .raw(data)
                        .request(0, WRITE, 2, SIZE, 40)
                        .zeroes(40)
                        .request(0, READ, 3, 5, 3000)
                        .request(0, FLUSH, 4, 0, 0),
                step);
        pump();
        chunks.expect(
                new Bytes()
                        .errorChunk(2, Errno.ENOSPC, "past the end of the export")
                        .simple(0, 1)
                        .chunk(1, 1, 3, new Bytes().u64(5).raw(data))
                        .simple(0, 4));
    }
}
