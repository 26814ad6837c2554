package comet.server.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The negotiation, byte by byte.
class NbdHandshakeTest {
    private static final int ACK = 1;
    private static final int UNSUP = 0x80000001;
    private static final int INVALID = 0x80000003;
    private static final int TLS_REQD = 0x80000005;
    private static final int UNKNOWN = 0x80000006;
    private static final int SHUTDOWN = 0x80000007;
    private static final int TOO_BIG = 0x80000009;

    /// HAS_FLAGS, FLUSH, FUA, TRIM, WRITE_ZEROES, MULTI_CONN, CACHE, FAST_ZERO.
    private static final int FLAGS = 0x0d6d;

    private static final int FLAGS_READ_ONLY = 0x050f;
    private static final int DF = 0x80;

    private final MemoryExports exports = new MemoryExports();
    private final NbdShared shared = Client.shared(exports);
    private Client client = new Client(shared);

    @BeforeEach
    void twoExports() {
        exports.add("disk0", 1 << 20, false);
        exports.add("frozen", 4096, true);
        client.expect(new Bytes().hex("4e42444d41474943 49484156454f5054").u16(3));
    }

    private void begin() {
        client.send(new Bytes().u32(3)).expectNothing();
    }

    @ParameterizedTest
    @ValueSource(longs = {4, 0x80000003L, 0xffffffffL})
    void unknown_client_flags_end_the_connection(long flags) {
        client.send(new Bytes().u32(flags)).expectNothing();
        assertThat(client.aborted).contains("client flags");
    }

    @Test
    void export_name_answers_with_or_without_zeroes() {
        begin();
        client.send(new Bytes().option(1, new Bytes().text("disk0")))
                .expect(new Bytes().u64(1 << 20).u16(FLAGS));
        client = new Client(shared);
        client.received();
        client.send(new Bytes().u32(1).option(1, new Bytes().text("frozen")))
                .expect(new Bytes().u64(4096).u16(FLAGS_READ_ONLY).zeroes(124));
        client.send(new Bytes().request(0, 3, 77, 0, 0));
        pump("frozen");
        client.expect(new Bytes().simple(0, 77));
    }

    private void pump(String name) {
        exports.open(
                name,
                new Exports.Opened() {
                    @Override
                    public void opened(Exports.Export export, comet.volume.BlockDevice device) {
                        while (((MemoryDevice) device).pump()) {
                            // Until all is answered.
                        }
                        exports.close(device);
                    }

                    @Override
                    public void elsewhere(int place) {
                        throw new AssertionError("elsewhere");
                    }

                    @Override
                    public void refused(Exports.Refusal why, String text) {
                        throw new AssertionError(text);
                    }
                });
    }

    @Test
    void export_name_that_is_unknown_or_too_long_ends_the_connection() {
        begin();
        client.send(new Bytes().option(1, new Bytes().text("nothing"))).expectNothing();
        assertThat(client.aborted).isNotEmpty();
        for (int length : new int[] {4097, 65536, 65537, 100_000}) {
            client = new Client(shared);
            client.received();
            client.send(new Bytes().u32(3).option(1, new Bytes().zeroes(length))).expectNothing();
            assertThat(client.aborted).contains("too long");
        }
        assertThat(exports.opened).isZero();
    }

    @Test
    void an_old_client_without_the_fixed_flag_is_served() {
        client.send(new Bytes().u32(0).option(1, new Bytes().text("disk0")))
                .expect(new Bytes().u64(1 << 20).u16(FLAGS).zeroes(124));
    }

    @Test
    void abort_is_acknowledged_with_and_without_data() {
        begin();
        client.send(new Bytes().option(2, new Bytes().text("bye")))
                .expect(new Bytes().optionReply(2, ACK));
        assertThat(client.finished).isTrue();
    }

    @Test
    void list_names_all_exports_and_opens_none() {
        begin();
        client.send(new Bytes().option(3))
                .expect(
                        new Bytes()
                                .optionReply(3, 2, new Bytes().string("disk0").text("in memory"))
                                .optionReply(3, 2, new Bytes().string("frozen").text("in memory"))
                                .optionReply(3, ACK));
        client.send(new Bytes().option(3, new Bytes().u8(0)));
        assertReply(3, INVALID);
        assertThat(exports.opened).isZero();
    }

    /// The reply is an error with some text.
    private void assertReply(int option, int type) {
        byte[] bytes = client.received();
        assertThat(new Bytes().raw(java.util.Arrays.copyOf(bytes, 16)).toString())
                .isEqualTo(new Bytes().u64(0x3e889045565a9L).u32(option).u32(type).toString());
        assertThat(bytes.length).isGreaterThan(20);
        int text = bytes[19] & 0xff;
        assertThat(bytes).hasSize(20 + text);
    }

    @Test
    void go_answers_what_is_asked_and_enters() {
        begin();
        client.send(new Bytes().go(7, "disk0", 3, 1, 2, 77))
                .expect(
                        new Bytes()
                                .optionReply(7, 3, new Bytes().u16(0).u64(1 << 20).u16(FLAGS))
                                .optionReply(7, 3, new Bytes().u16(1).text("disk0"))
                                .optionReply(7, 3, new Bytes().u16(2).text("in memory"))
                                .optionReply(
                                        7, 3, new Bytes().u16(3).u32(1).u32(4096).u32(32 << 20))
                                .optionReply(7, ACK));
        assertThat(client.session.negotiating()).isFalse();
        assertThat(exports.open).isEqualTo(1);
        client.die();
        assertThat(exports.open).isZero();
    }

    @Test
    void info_says_the_same_as_go_and_opens_nothing() {
        begin();
        client.send(new Bytes().go(6, "frozen", 3))
                .expect(
                        new Bytes()
                                .optionReply(
                                        6, 3, new Bytes().u16(0).u64(4096).u16(FLAGS_READ_ONLY))
                                .optionReply(
                                        6, 3, new Bytes().u16(3).u32(1).u32(4096).u32(32 << 20))
                                .optionReply(6, ACK));
        assertThat(exports.opened).isZero();
        client.send(new Bytes().go(7, "frozen", 3))
                .expect(
                        new Bytes()
                                .optionReply(
                                        7, 3, new Bytes().u16(0).u64(4096).u16(FLAGS_READ_ONLY))
                                .optionReply(
                                        7, 3, new Bytes().u16(3).u32(1).u32(4096).u32(32 << 20))
                                .optionReply(7, ACK));
    }

    @Test
    void an_unknown_export_is_refused_and_the_negotiation_goes_on() {
        begin();
        for (String name : new String[] {"", "disk", "disk00", "disk0\0", "x".repeat(4096)}) {
            client.send(new Bytes().go(6, name));
            assertReply(6, UNKNOWN);
            client.send(new Bytes().go(7, name));
            assertReply(7, UNKNOWN);
        }
        client.send(new Bytes().go(7, "disk0"));
        assertThat(client.session.negotiating()).isFalse();
    }

    @Test
    void malformed_requests_for_information_are_invalid() {
        begin();
        Bytes[] malformed = {
            new Bytes(),
            new Bytes().u16(0),
            new Bytes().u32(0),
            new Bytes().u32(5).text("disk0"),
            new Bytes().u32(6).text("disk0").u16(0),
            new Bytes().u32(0xffffffffL).text("disk0").u16(0),
            new Bytes().string("disk0").u16(1),
            new Bytes().string("disk0").u16(0).u16(3),
            new Bytes().string("disk0").u16(0xffff).u16(3),
            new Bytes().string("disk0").u16(1).u16(3).u8(0),
            new Bytes().string("x".repeat(4097)).u16(0),
        };
        for (Bytes data : malformed) {
            for (int option : new int[] {6, 7}) {
                client.send(new Bytes().option(option, data));
                assertReply(option, INVALID);
            }
        }
        client.send(new Bytes().go(7, "disk0"));
        assertThat(client.session.negotiating()).isFalse();
    }

    @Test
    void unknown_options_are_answered_after_their_data() {
        begin();
        for (int option : new int[] {0, 4, 11, 99, -1}) {
            for (int length : new int[] {0, 1, 65536, 65537, 300_000}) {
                client.send(new Bytes().option(option, new Bytes().zeroes(length)));
                assertReply(option, UNSUP);
            }
        }
        client.send(new Bytes().go(6, "disk0"));
        assertThat(client.received()).hasSize(20 + 12 + 20);
    }

    @Test
    void data_over_the_bound_is_skipped_and_refused() {
        begin();
        for (int option : new int[] {3, 5, 6, 7, 8, 9, 10}) {
            client.send(new Bytes().option(option, new Bytes().zeroes(65537)));
            assertReply(option, TOO_BIG);
        }
    }

    @Test
    void starttls_is_not_offered() {
        begin();
        client.send(new Bytes().option(5));
        assertReply(5, UNSUP);
        client.send(new Bytes().option(5, new Bytes().u8(1)));
        assertReply(5, INVALID);
    }

    @Test
    void structured_replies_bring_df() {
        begin();
        client.send(new Bytes().option(8, new Bytes().u8(1)));
        assertReply(8, INVALID);
        client.send(new Bytes().go(6, "disk0"))
                .expect(
                        new Bytes()
                                .optionReply(6, 3, new Bytes().u16(0).u64(1 << 20).u16(FLAGS))
                                .optionReply(6, ACK));
        client.send(new Bytes().option(8)).expect(new Bytes().optionReply(8, ACK));
        client.send(new Bytes().option(8)).expect(new Bytes().optionReply(8, ACK));
        client.send(new Bytes().go(6, "disk0"))
                .expect(
                        new Bytes()
                                .optionReply(6, 3, new Bytes().u16(0).u64(1 << 20).u16(FLAGS | DF))
                                .optionReply(6, ACK));
    }

    @Test
    void contexts_want_structured_replies_first() {
        begin();
        client.send(new Bytes().meta(9, "disk0"));
        assertReply(9, INVALID);
        client.send(new Bytes().meta(10, "disk0", "base:allocation"));
        assertReply(10, INVALID);
    }

    @Test
    void contexts_are_listed() {
        begin();
        client.send(new Bytes().option(8)).received();
        Bytes listed =
                new Bytes()
                        .optionReply(9, 4, new Bytes().u32(0).text("base:allocation"))
                        .optionReply(9, ACK);
        client.send(new Bytes().meta(9, "disk0")).expect(listed);
        client.send(new Bytes().meta(9, "disk0", "base:")).expect(listed);
        client.send(new Bytes().meta(9, "disk0", "base:allocation")).expect(listed);
        client.send(new Bytes().meta(9, "disk0", "qemu:", "base:", "base:allocation"))
                .expect(listed);
        Bytes none = new Bytes().optionReply(9, ACK);
        client.send(new Bytes().meta(9, "disk0", "base:alloc")).expect(none);
        client.send(new Bytes().meta(9, "disk0", "qemu:dirty-bitmap:x")).expect(none);
        client.send(new Bytes().meta(9, "disk0", "", "x")).expect(none);
        client.send(new Bytes().meta(9, "nothing"));
        assertReply(9, UNKNOWN);
    }

    @Test
    void contexts_are_selected_only_by_their_whole_name() {
        begin();
        client.send(new Bytes().option(8)).received();
        client.send(new Bytes().meta(10, "disk0", "x:y", "base:allocation", "base:allocation"))
                .expect(
                        new Bytes()
                                .optionReply(10, 4, new Bytes().u32(1).text("base:allocation"))
                                .optionReply(10, ACK));
        Bytes none = new Bytes().optionReply(10, ACK);
        client.send(new Bytes().meta(10, "disk0")).expect(none);
        client.send(new Bytes().meta(10, "disk0", "base:")).expect(none);
        client.send(new Bytes().meta(10, "disk0", "base:allocation ")).expect(none);
    }

    @Test
    void malformed_queries_are_invalid() {
        begin();
        client.send(new Bytes().option(8)).received();
        Bytes[] malformed = {
            new Bytes(),
            new Bytes().string("disk0"),
            new Bytes().u32(100).text("disk0"),
            new Bytes().string("disk0").u32(1),
            new Bytes().string("disk0").u32(2).string("base:allocation"),
            new Bytes().string("disk0").u32(0xffffffffL).string("base:allocation"),
            new Bytes().string("disk0").u32(1).u32(16).text("base:allocation"),
            new Bytes().string("disk0").u32(1).string("base:allocation").u8(0),
            new Bytes().string("disk0").u32(1).string("x".repeat(4097)),
        };
        for (Bytes data : malformed) {
            for (int option : new int[] {9, 10}) {
                client.send(new Bytes().option(option, data));
                assertReply(option, INVALID);
            }
        }
    }

    /// Whether the session that follows can ask for the status of its blocks.
    private boolean statusAfter(Bytes... options) {
        client = new Client(shared);
        client.send(new Bytes().u32(3).option(8));
        for (Bytes option : options) {
            client.send(option);
        }
        client.send(new Bytes().go(7, "disk0"));
        client.received();
        client.send(new Bytes().request(0, 7, 5, 0, 4096));
        pump("disk0");
        byte[] reply = client.received();
        assertThat(reply.length).isGreaterThan(20);
        client.die();
        // The type of the first chunk.
        return reply[6] == 0 && reply[7] == 5;
    }

    @Test
    void a_selection_is_replaced_also_by_one_that_fails() {
        Bytes good = new Bytes().meta(10, "disk0", "base:allocation");
        assertThat(statusAfter(good)).isTrue();
        assertThat(statusAfter()).isFalse();
        assertThat(statusAfter(good, new Bytes().meta(10, "disk0"))).isFalse();
        assertThat(statusAfter(good, new Bytes().meta(10, "nothing", "base:allocation"))).isFalse();
        assertThat(statusAfter(good, new Bytes().option(10, new Bytes().u32(1)))).isFalse();
        assertThat(statusAfter(good, new Bytes().option(10, new Bytes().zeroes(70000)))).isFalse();
        assertThat(statusAfter(good, new Bytes().meta(10, "disk0", "x:y"))).isFalse();
        assertThat(statusAfter(new Bytes().meta(10, "frozen", "base:allocation"))).isFalse();
        assertThat(statusAfter(new Bytes().meta(10, "frozen", "base:allocation"), good)).isTrue();
        // Nothing else touches it.
        assertThat(
                        statusAfter(
                                good,
                                new Bytes().meta(9, "frozen"),
                                new Bytes().option(3),
                                new Bytes().go(6, "frozen"),
                                new Bytes().go(7, "nothing"),
                                new Bytes().option(99)))
                .isTrue();
    }

    @Test
    void an_option_waits_for_the_answer_of_the_one_before() {
        begin();
        exports.hold = true;
        client.send(new Bytes().option(3).option(8).go(7, "disk0")).expectNothing();
        assertThat(client.session.blocked()).isTrue();
        exports.answer();
        client.pump();
        assertThat(client.received().length).isGreaterThan(60);
        assertThat(client.session.negotiating()).isTrue();
        exports.answer();
        client.pump();
        assertThat(client.session.negotiating()).isFalse();
    }

    @Test
    void a_client_that_leaves_while_its_export_is_opened_costs_nothing() {
        begin();
        exports.hold = true;
        client.send(new Bytes().go(7, "disk0"));
        client.die();
        exports.answer();
        assertThat(exports.opened).isEqualTo(1);
        assertThat(exports.open).isZero();
        client.expectNothing();
    }

    @Test
    void while_the_server_stops_options_are_refused() {
        begin();
        exports.shuttingDown = true;
        client.send(new Bytes().go(6, "disk0"));
        assertReply(6, SHUTDOWN);
        client.session.stop();
        assertThat(client.finished).isTrue();
    }

    @Test
    void a_wrong_magic_number_ends_the_connection() {
        begin();
        client.send(new Bytes().u64(0x49484156454F5055L).u32(3).u32(0)).expectNothing();
        assertThat(client.aborted).contains("magic");
    }

    @Test
    void a_negotiation_has_a_deadline_but_does_not_count_our_own_time() {
        begin();
        client.session.tick(NbdLimits.DEFAULT.handshakeNs(), 0);
        assertThat(client.aborted).isEmpty();
        exports.hold = true;
        client.send(new Bytes().go(6, "disk0"));
        client.session.tick(NbdLimits.DEFAULT.handshakeNs() + 1, 0);
        assertThat(client.aborted).isEmpty();
        exports.answer();
        client.session.tick(NbdLimits.DEFAULT.handshakeNs() + 1, 0);
        assertThat(client.aborted).contains("too long");
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 5, 7, 16, 27})
    void it_does_not_matter_in_which_parts_the_bytes_come(int step) {
        Bytes all =
                new Bytes()
                        .u32(3)
                        .option(99, new Bytes().zeroes(333))
                        .option(3)
                        .option(8)
                        .meta(10, "disk0", "base:allocation")
                        .go(6, "disk0", 0, 1, 2, 3)
                        .go(7, "disk0", 3);
        Client other = new Client(shared);
        other.received();
        other.send(all);
        client.sendInParts(all, step);
        client.expect(new Bytes().raw(other.received()));
        assertThat(client.session.negotiating()).isFalse();
    }

    @Test
    void a_name_that_is_said_back_is_short_and_printable() {
        exports.echo = true;
        begin();
        String name = "a\n\u001b[2J\u0000\u0085\u2028" + "\u00fc".repeat(2000);
        for (int option : new int[] {6, 7, 9, 10}) {
            client.send(new Bytes().option(8));
            client.received();
            Bytes message =
                    option < 9 ? new Bytes().go(option, name) : new Bytes().meta(option, name);
            client.send(message);
            byte[] reply = client.received();
            String text = new String(reply, 20, reply.length - 20, StandardCharsets.UTF_8);
            assertThat(reply.length - 20).isLessThanOrEqualTo(4096);
            assertThat(text)
                    .startsWith("there is no a?")
                    .doesNotContainPattern("[\\p{Cntrl}\u2028]");
        }
        client.send(new Bytes().option(1, new Bytes().text(name)));
        assertThat(client.aborted)
                .contains("there is no a?")
                .hasSizeLessThan(500)
                .doesNotContainPattern("[\\p{Cntrl}\u2028]");
    }

    private void tls(NbdTls.Mode mode) {
        client = new Client(shared, mode);
        client.received();
        begin();
    }

    @Test
    void without_tls_starttls_is_not_known() {
        begin();
        client.send(new Bytes().option(5));
        assertThat(type(client.received())).isEqualTo(UNSUP);
    }

    @Test
    void where_tls_is_required_nothing_is_said_before_it() {
        tls(NbdTls.Mode.REQUIRED);
        for (Bytes message :
                new Bytes[] {
                    new Bytes().option(3),
                    new Bytes().go(6, "disk0"),
                    new Bytes().go(7, "disk0"),
                    new Bytes().option(8),
                    new Bytes().meta(9, "disk0"),
                    new Bytes().meta(10, "disk0", "base:allocation"),
                    new Bytes().option(99, new Bytes().zeroes(100_000)),
                }) {
            client.send(message);
            assertThat(type(client.received())).isEqualTo(TLS_REQD);
        }
        assertThat(client.turnedAway).contains("TLS is required");
        assertThat(exports.opened).isZero();
        client.send(new Bytes().option(5, new Bytes().u8(1)));
        assertThat(type(client.received())).isEqualTo(INVALID);
        assertThat(client.encrypted).isFalse();
        client.send(new Bytes().option(5)).expect(new Bytes().optionReply(5, ACK));
        assertThat(client.encrypted).isTrue();
        client.send(new Bytes().option(99));
        assertThat(type(client.received())).isEqualTo(UNSUP);
        client.send(new Bytes().option(5));
        assertThat(type(client.received())).isEqualTo(INVALID);
        client.send(new Bytes().go(7, "disk0"));
        client.received();
        assertThat(client.session.negotiating()).isFalse();
    }

    @Test
    void an_export_name_or_an_abort_before_tls() {
        tls(NbdTls.Mode.REQUIRED);
        client.send(new Bytes().option(1, new Bytes().text("disk0"))).expectNothing();
        assertThat(client.aborted).contains("TLS is required");
        tls(NbdTls.Mode.REQUIRED);
        client.send(new Bytes().option(2)).expect(new Bytes().optionReply(2, ACK));
        assertThat(client.finished).isTrue();
    }

    @Test
    void what_was_negotiated_in_the_clear_does_not_count() {
        tls(NbdTls.Mode.OPTIONAL);
        client.send(new Bytes().option(8).meta(10, "disk0", "base:allocation"));
        client.received();
        client.send(new Bytes().option(5)).expect(new Bytes().optionReply(5, ACK));
        client.send(new Bytes().meta(10, "disk0", "base:allocation"));
        assertThat(type(client.received())).isEqualTo(INVALID);
        client.send(new Bytes().go(7, "disk0"))
                .expect(
                        new Bytes()
                                .optionReply(7, 3, new Bytes().u16(0).u64(1 << 20).u16(FLAGS))
                                .optionReply(7, ACK));
        client.send(new Bytes().request(0, 7, 1, 0, 512));
        client.expect(new Bytes().simple(22, 1));
    }

    @Test
    void bytes_behind_starttls_end_the_connection() {
        tls(NbdTls.Mode.OPTIONAL);
        client.send(new Bytes().option(5).option(8)).expectNothing();
        assertThat(client.aborted).contains("in the clear");
        assertThat(client.encrypted).isFalse();
    }

    private static int type(byte[] reply) {
        return java.nio.ByteBuffer.wrap(reply).getInt(12);
    }
}
