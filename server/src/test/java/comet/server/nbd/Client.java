package comet.server.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import comet.base.Buf;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.ArrayDeque;
import java.util.HexFormat;

/// A client on the other side of a session, without a socket: what it sends is given to the session
/// in parts of any size, what it receives is compared byte by byte.
final class Client implements NbdWire {
    final NbdSession session;
    final NbdShared shared;
    boolean finished;
    String aborted = "";
    String turnedAway = "";
    boolean congested;
    boolean encrypted;

    /// Where the session wants to go on, or -1.
    int movesTo = -1;

    /// Data stays unsent until [#deliver].
    boolean slow;

    long nowNs;
    private final ByteBuf out = Unpooled.buffer();
    private final ByteBuf in = Unpooled.buffer();
    private final ArrayDeque<Buf> unsent = new ArrayDeque<>();
    private final ArrayDeque<Integer> unsentBytes = new ArrayDeque<>();
    private boolean resume;

    Client(NbdShared shared) {
        this(shared, NbdTls.Mode.OFF);
    }

    Client(NbdShared shared, NbdTls.Mode tls) {
        this.shared = shared;
        session = new NbdSession(shared, this, tls);
        session.start();
        pump();
    }

    static NbdShared shared(Exports exports) {
        return new NbdShared(exports, NbdLimits.DEFAULT);
    }

    /// A client that has negotiated: `structured` and, if `context`, base:allocation.
    static Client entered(NbdShared shared, String name, boolean structured, boolean context) {
        Client client = new Client(shared);
        client.send(new Bytes().u32(3));
        if (structured) {
            client.send(new Bytes().option(8));
        }
        if (context) {
            client.send(new Bytes().meta(10, name, "base:allocation"));
        }
        client.send(new Bytes().go(7, name));
        client.received();
        assertThat(client.session.negotiating()).isFalse();
        return client;
    }

    /// No request of any client is under way, and none has left memory behind.
    static void assertNothingHeld(NbdShared shared) {
        assertThat(shared.readPool.bytesOut()).isZero();
        assertThat(shared.writePool.bytesOut()).isZero();
        assertThat(shared.budget.freeBytes()).isEqualTo(shared.limits.totalBytesMax());
        assertThat(shared.counters.requestsInFlight).isZero();
    }

    Client send(Bytes bytes) {
        in.writeBytes(bytes.array());
        feed();
        return this;
    }

    /// The same, `step` bytes at a time.
    Client sendInParts(Bytes bytes, int step) {
        byte[] all = bytes.array();
        for (int at = 0; at < all.length; at += step) {
            in.writeBytes(all, at, Math.min(step, all.length - at));
            feed();
        }
        return this;
    }

    /// What has come since the last call.
    byte[] received() {
        byte[] bytes = new byte[out.readableBytes()];
        out.readBytes(bytes);
        out.clear();
        return bytes;
    }

    void expect(Bytes bytes) {
        assertThat(HexFormat.ofDelimiter(" ").formatHex(received())).isEqualTo(bytes.toString());
    }

    void expectNothing() {
        expect(new Bytes());
    }

    void deliver() {
        while (!unsent.isEmpty()) {
            unsent.poll().release();
            session.sent(unsentBytes.poll());
        }
        pump();
    }

    /// The connection breaks: what was under way is lost.
    void die() {
        session.dead();
        deliver();
    }

    void pump() {
        while (resume) {
            resume = false;
            if (!session.isDead()) {
                feed();
            }
        }
    }

    int notConsumed() {
        return in.readableBytes();
    }

    private void feed() {
        session.input(in);
        in.discardReadBytes();
        pump();
    }

    @Override
    public ByteBuf out() {
        return out;
    }

    @Override
    public void data(Buf buf, int offset, int length) {
        for (int at = offset; at < offset + length; at++) {
            out.writeByte(buf.bytes().get(at));
        }
        unsent.add(buf);
        unsentBytes.add(buf.capacity());
        if (!slow) {
            buf.release();
            unsent.removeLast();
            session.sent(unsentBytes.removeLast());
        }
    }

    @Override
    public void move(int place) {
        movesTo = place;
    }

    @Override
    public void turnedAway(String why) {
        turnedAway = why;
    }

    @Override
    public void startTls() {
        encrypted = true;
    }

    @Override
    public boolean congested() {
        return congested;
    }

    @Override
    public void resume() {
        resume = true;
    }

    @Override
    public void finish() {
        finished = true;
    }

    @Override
    public void abort(String why) {
        aborted = why;
    }

    @Override
    public long nowNs() {
        return nowNs;
    }
}
