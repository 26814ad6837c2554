package comet.volume;

import comet.base.Check;
import comet.cluster.ClusterInfo;
import comet.cluster.DiskInfo;
import comet.cluster.NodeInfo;
import comet.port.Connection;
import comet.port.Loop;
import comet.wire.Frame;
import comet.wire.Hello;
import comet.wire.Lane;
import comet.wire.MessageType;
import comet.wire.Status;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// One connection of a [DiskPeer], kept up: dialled when first needed, greeted, and dialled again
/// with growing pauses after it broke. Requests in flight are slots of a table; a request id is
/// (use of the slot, slot), so a late answer to an earlier use is never taken for another.
final class DiskLane {
    private static final long BACK_OFF_MIN_NS = 10_000_000;
    private static final long BACK_OFF_MAX_NS = 1_000_000_000;
    private static final int SLOT_BITS = 20;
    private static final int SLOTS_MAX = 1 << SLOT_BITS;

    private final DiskPeer peer;
    private final Lane lane;
    private final Gateway gateway;
    private @Nullable Attempt current;
    private boolean up;
    private boolean wanted;
    private boolean backingOff;
    private Loop.@Nullable Timer backOff;
    private long backOffNs = BACK_OFF_MIN_NS;
    private long bootId;
    private long features;
    private long downSinceNs;
    private String downWhy = "not connected yet";
    private long progressNs;

    private @Nullable Pending[] pending = new Pending[64];
    private int[] uses = new int[64];
    private int[] free = new int[64];
    private int freeCount;
    private int slotCount;
    private int inFlight;
    private final AnswerTimes times = new AnswerTimes();

    DiskLane(DiskPeer peer, Lane lane, Gateway gateway) {
        this.peer = peer;
        this.lane = lane;
        this.gateway = gateway;
        downSinceNs = gateway.loop().nowNs();
    }

    /// Greeted, under the boot id of the answer.
    boolean up() {
        return up;
    }

    boolean up(long bootId) {
        return up && this.bootId == bootId;
    }

    long bootId() {
        return bootId;
    }

    /// What both sides can do beyond the version, see [Hello].
    long features() {
        return features;
    }

    long downSinceNs() {
        return downSinceNs;
    }

    String downWhy() {
        return downWhy;
    }

    /// Since when it owes an answer and says nothing; now where it owes none.
    long silentSinceNs() {
        return inFlight == 0 ? gateway.loop().nowNs() : progressNs;
    }

    /// Whether it owes answers, or is down, for longer than anybody should wait.
    boolean isSilent(long nowNs) {
        return wanted
                && (up
                        ? nowNs - silentSinceNs() >= SilentDisks.DEADLINE_NS
                        : nowNs - downSinceNs >= SilentDisks.DOWN_NS);
    }

    AnswerTimes times() {
        return times;
    }

    void connect() {
        wanted = true;
        if (current != null || backingOff) {
            return;
        }
        DiskInfo disk = gateway.map().disk(peer.diskId());
        NodeInfo node = disk == null ? null : gateway.map().node(disk.nodeId());
        if (disk == null || node == null) {
            downWhy = "not in the map";
            backOff();
            return;
        }
        Attempt attempt = new Attempt();
        current = attempt;
        gateway.dialer().dial(node.addresses(), attempt);
    }

    /// The disk was removed: nobody waits for it any more.
    void retire() {
        wanted = false;
        reconnect("the disk was removed");
    }

    /// Ends the connection and dials anew: the map says that the disk lives another life now.
    void reconnect(String why) {
        Attempt attempt = current;
        if (attempt != null && attempt.connection != null) {
            attempt.connection.close();
            broken(attempt, why);
        }
    }

    /// As [#reconnect], where it owes an answer.
    void giveUp(String why) {
        if (up && inFlight > 0) {
            reconnect(why);
        }
    }

    /// Ends the connection for good.
    void close() {
        wanted = false;
        Attempt attempt = current;
        current = null;
        if (attempt != null && attempt.connection != null) {
            attempt.connection.close();
        }
        up = false;
    }

    /// Takes a slot for a request that is sent next; only while [#up].
    long register(Pending waiter) {
        Check.that(up, "request on a lane that is down");
        if (inFlight++ == 0) {
            progressNs = gateway.loop().nowNs();
        }
        int slot = freeCount > 0 ? free[--freeCount] : newSlot();
        pending[slot] = waiter;
        long requestId = (long) uses[slot] << SLOT_BITS | slot;
        if (times.isFree()) {
            times.begin(requestId, gateway.loop().nowNs());
        }
        return requestId;
    }

    /// The answer to this request is of no interest any more. It keeps its slot until it comes.
    void forget(long requestId) {
        int slot = (int) requestId & SLOTS_MAX - 1;
        if (slot < slotCount && uses[slot] == (int) (requestId >>> SLOT_BITS)) {
            pending[slot] = Pending.IGNORED;
        }
    }

    void send(Frame frame) {
        Attempt attempt = current;
        Check.that(up && attempt != null, "send on a lane that is down");
        if (attempt != null && attempt.connection != null) {
            attempt.connection.send(frame);
        }
    }

    void tick(long nowNs, long silenceNs) {
        if (up && inFlight > 0 && nowNs - progressNs > silenceNs) {
            reconnect("silent while it owes an answer");
        }
        if (!up && current != null && current.connection != null) {
            if (nowNs - current.greetedNs > silenceNs) {
                reconnect("no answer to the greeting");
            }
        }
    }

    private int newSlot() {
        Check.that(slotCount < SLOTS_MAX, "requests in flight", slotCount, SLOTS_MAX);
        if (slotCount == pending.length) {
            pending = Arrays.copyOf(pending, slotCount * 2);
            uses = Arrays.copyOf(uses, slotCount * 2);
            free = Arrays.copyOf(free, slotCount * 2);
        }
        return slotCount++;
    }

    private @Nullable Pending takeSlot(long requestId) {
        int slot = (int) requestId & SLOTS_MAX - 1;
        if (slot >= slotCount || uses[slot] != (int) (requestId >>> SLOT_BITS)) {
            return null;
        }
        Pending waiter = pending[slot];
        if (waiter == null) {
            return null;
        }
        freeSlot(slot);
        if (times.isSample(requestId)) {
            times.end(gateway.loop().nowNs());
        }
        return waiter;
    }

    private void freeSlot(int slot) {
        pending[slot] = null;
        uses[slot] = uses[slot] + 1 & 0x7FFFFFFF;
        free[freeCount++] = slot;
        inFlight--;
    }

    private void greet(Attempt attempt, Connection connection) {
        ClusterInfo cluster = gateway.map().cluster();
        DiskInfo disk = gateway.map().disk(peer.diskId());
        if (disk == null) {
            connection.close();
            return;
        }
        Hello hello =
                new Hello(
                        Hello.VERSION,
                        Hello.VERSION,
                        lane == Lane.WRITE ? Hello.CREDIT_NEEDS : 0,
                        cluster.clusterHigh(),
                        cluster.clusterLow(),
                        lane,
                        peer.diskId(),
                        disk.uuidHigh(),
                        disk.uuidLow(),
                        gateway.gatewayId());
        attempt.greetedNs = gateway.loop().nowNs();
        connection.send(hello.encode(gateway.frames().take(), 0));
    }

    private void onGreeted(Attempt attempt, Frame frame) {
        String wrong = null;
        if (frame.type() != MessageType.HELLO_REPLY
                || frame.headBytes() < Hello.Answer.HEAD_BYTES) {
            wrong = "no greeting but type " + frame.type();
        } else if (frame.status() != Status.OK) {
            wrong = "refused: " + reason(frame);
        }
        if (wrong != null) {
            attempt.close();
            broken(attempt, wrong);
            return;
        }
        Hello.Answer answer = Hello.Answer.decode(frame);
        if (answer.version() != Hello.VERSION || answer.diskId() != peer.diskId()) {
            attempt.close();
            broken(attempt, "another disk or version answered");
            return;
        }
        up = true;
        bootId = answer.bootId();
        features = answer.features();
        backOffNs = BACK_OFF_MIN_NS;
        peer.onUp(lane, answer);
    }

    private static String reason(Frame frame) {
        if (!frame.hasData()) {
            return Status.text(frame.status());
        }
        byte[] text = new byte[Math.min(frame.dataBytes(), 500)];
        frame.data().bytes().get(frame.dataOffset(), text);
        return new String(text, StandardCharsets.UTF_8);
    }

    private void broken(Attempt attempt, String why) {
        if (attempt != current) {
            return;
        }
        current = null;
        if (up) {
            downSinceNs = gateway.loop().nowNs();
        }
        boolean wasUp = up;
        up = false;
        downWhy = why;
        times.abandon();
        backOff();
        if (wasUp) {
            peer.onDown(lane, why);
            for (int slot = 0; slot < slotCount; slot++) {
                Pending waiter = pending[slot];
                if (waiter != null) {
                    freeSlot(slot);
                    waiter.onBroken();
                }
            }
        }
    }

    /// Without the rest of the pause: it can probably be reached now.
    void dialNow() {
        if (backingOff) {
            backOffEnded();
        }
    }

    private void backOffEnded() {
        backingOff = false;
        if (backOff != null) {
            backOff.cancel();
        }
        if (wanted) {
            connect();
        }
    }

    private void backOff() {
        if (!wanted || backingOff) {
            return;
        }
        backingOff = true;
        backOff = gateway.loop().schedule(backOffNs, this::backOffEnded);
        backOffNs = Math.min(backOffNs * 2, BACK_OFF_MAX_NS);
    }

    /// One try to connect and the connection that came of it. What an earlier one still says is not
    /// heard.
    private final class Attempt implements Connection.Dialed, Connection.Handler {
        @Nullable Connection connection;
        long greetedNs;

        @Override
        public Connection.Handler onConnect(Connection connection) {
            if (this != current) {
                connection.close();
                return this;
            }
            this.connection = connection;
            greet(this, connection);
            return this;
        }

        @Override
        public void onFailed(String why) {
            broken(this, why);
        }

        @Override
        public void onFrame(Frame frame) {
            if (this == current) {
                progressNs = gateway.loop().nowNs();
                if (!up) {
                    onGreeted(this, frame);
                } else if (frame.type() == MessageType.CREDIT) {
                    peer.onCredit(frame);
                } else {
                    answered(frame);
                }
            }
            frame.release();
        }

        private void answered(Frame frame) {
            Pending waiter = takeSlot(frame.requestId());
            if (waiter == null) {
                close();
                broken(this, "an answer to nothing that was asked");
            } else {
                waiter.onReply(frame);
                if (waiter.forgotten() && frame.type() == MessageType.WRITE_REPLY) {
                    // Nobody waits for the write any more; the credit that it brings is there.
                    peer.onForgotten(frame);
                }
            }
        }

        @Override
        public void onClosed(String why) {
            broken(this, why);
        }

        void close() {
            if (connection != null) {
                connection.close();
            }
        }
    }
}
