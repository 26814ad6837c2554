package comet.server.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import comet.base.Prng;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// Sessions of clients that are broken or hostile: valid sessions cut at every byte, valid sessions
/// with bytes changed, and noise. Nothing may be thrown, and at the end nothing may be held. Beside
/// each of them a good client of the same server goes on as if nothing had happened.
class NbdFuzzTest {
    private static final int SIZE = 9 << 20;

    private final MemoryExports exports = new MemoryExports();
    private final MemoryDevice device = exports.add("disk0", SIZE, false);
    private final NbdShared shared = Client.shared(exports);
    private final Client neighbour = Client.entered(shared, "disk0", true, true);
    private long cookie;

    /// A session with everything in it, as a list of messages.
    private static List<Bytes> session(Prng prng) {
        List<Bytes> all = new ArrayList<>();
        all.add(new Bytes().u32(prng.nextInt(4)));
        int options = prng.nextInt(8);
        for (int i = 0; i < options; i++) {
            all.add(option(prng));
        }
        if (prng.chance(9, 10)) {
            all.add(
                    prng.chance(1, 5)
                            ? new Bytes().option(1, new Bytes().text("disk0"))
                            : new Bytes().go(7, "disk0", 3));
        }
        int requests = prng.nextInt(20);
        for (int i = 0; i < requests; i++) {
            all.add(request(prng));
        }
        if (prng.chance(1, 2)) {
            all.add(new Bytes().request(0, 2, 0, 0, 0));
        }
        return all;
    }

    private static Bytes option(Prng prng) {
        return switch (prng.nextInt(9)) {
            case 0 -> new Bytes().option(3);
            case 1 -> new Bytes().option(5);
            case 2 -> new Bytes().go(6, "disk0", 0, 1, 2, 3);
            case 3 -> new Bytes().go(7, "nothing");
            case 4 -> new Bytes().meta(9, "disk0", "base:");
            case 5 -> new Bytes().meta(10, "disk0", "base:allocation");
            case 6 -> new Bytes().option(prng.nextInt(20), new Bytes().zeroes(prng.nextInt(200)));
            default -> new Bytes().option(8);
        };
    }

    private static Bytes request(Prng prng) {
        int command = prng.nextInt(9);
        int flags = prng.chance(1, 3) ? prng.nextInt(40) : 0;
        long offset = prng.nextLong(SIZE + 4096);
        int length = prng.chance(1, 10) ? prng.nextInt(SIZE) : prng.nextInt(20000);
        if (command == 1) {
            length = Math.min(length, 100_000);
        }
        Bytes request = new Bytes().request(flags, command, prng.nextLong(), offset, length);
        return command == 1 ? request.zeroes(length) : request;
    }

    private void run(byte[] bytes, Prng prng) {
        Client client = new Client(shared);
        boolean small = prng.chance(1, 10);
        for (int at = 0; at < bytes.length; ) {
            int step = Math.min(bytes.length - at, 1 + prng.nextInt(small ? 40 : 30_000));
            client.send(new Bytes().raw(java.util.Arrays.copyOfRange(bytes, at, at + step)));
            at += step;
            client.slow = prng.chance(1, 4);
            if (prng.chance(1, 2)) {
                device.pump();
                client.pump();
            }
            if (prng.chance(1, 8)) {
                client.deliver();
            }
        }
        if (prng.chance(1, 3)) {
            neighbourIsWell();
        }
        if (prng.chance(1, 2)) {
            client.session.inputEnded();
        }
        client.die();
        while (device.pump()) {
            client.pump();
        }
        Client.assertNothingHeld(shared);
        assertThat(exports.open).isEqualTo(1);
        assertThat(client.session.bytesHeld()).isZero();
    }

    private void neighbourIsWell() {
        cookie++;
        neighbour.send(new Bytes().request(0, 3, cookie, 0, 0));
        while (device.pump()) {
            neighbour.pump();
        }
        neighbour.expect(new Bytes().simple(0, cookie));
    }

    private static byte[] join(List<Bytes> messages) {
        Bytes all = new Bytes();
        messages.forEach(all::raw);
        return all.array();
    }

    @Test
    void sessions_end_at_every_byte() {
        device.keepAsked = false;
        byte[] bytes =
                new Bytes()
                        .u32(3)
                        .option(3)
                        .option(8)
                        .meta(10, "disk0", "base:allocation")
                        .go(7, "disk0", 3)
                        .request(0, 1, 1, 4090, 700)
                        .zeroes(700)
                        .request(0, 0, 2, 0, 5000)
                        .request(0, 7, 3, 0, 5000)
                        .request(0, 3, 4, 0, 0)
                        .request(0, 2, 5, 0, 0)
                        .array();
        for (int length = 0; length <= bytes.length; length++) {
            run(java.util.Arrays.copyOf(bytes, length), new Prng(length));
        }
    }

    @Test
    void changed_sessions() {
        changed(0, 1500);
    }

    @Tag("long")
    @Test
    void more_changed_sessions() {
        changed(1_000_000, 100_000);
    }

    private void changed(long firstSeed, int count) {
        device.keepAsked = false;
        for (long seed = firstSeed; seed < firstSeed + count; seed++) {
            Prng prng = new Prng(seed);
            List<Bytes> messages = session(prng);
            if (prng.chance(1, 4) && messages.size() > 2) {
                messages.remove(prng.nextInt(messages.size()));
            }
            if (prng.chance(1, 4)) {
                messages.add(1, messages.get(prng.nextInt(messages.size())));
            }
            byte[] bytes = join(messages);
            int changes = prng.nextInt(6);
            for (int i = 0; i < changes; i++) {
                int at =
                        prng.chance(1, 2)
                                ? prng.nextInt(Math.min(bytes.length, 200))
                                : prng.nextInt(bytes.length);
                bytes[at] =
                        (byte)
                                switch (prng.nextInt(3)) {
                                    case 0 -> 0xff;
                                    case 1 -> bytes[at] ^ 1 << prng.nextInt(8);
                                    default -> prng.nextInt(256);
                                };
            }
            try {
                run(bytes, prng);
            } catch (RuntimeException | AssertionError e) {
                throw new AssertionError("seed " + seed, e);
            }
        }
    }

    @Test
    void noise() {
        for (long seed = 0; seed < 300; seed++) {
            Prng prng = new Prng(seed);
            byte[] bytes = new byte[4 + prng.nextInt(3000)];
            for (int i = 0; i < bytes.length; i++) {
                bytes[i] = (byte) prng.nextInt(256);
            }
            if (prng.chance(1, 2)) {
                // Past the first check.
                bytes[0] = 0;
                bytes[1] = 0;
                bytes[2] = 0;
                bytes[3] = 3;
            }
            run(bytes, prng);
        }
    }
}
