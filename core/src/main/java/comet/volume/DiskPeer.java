package comet.volume;

import comet.base.Check;
import comet.cluster.DiskInfo;
import comet.port.Events;
import comet.wire.Credit;
import comet.wire.CreditNeed;
import comet.wire.Frame;
import comet.wire.Hello;
import comet.wire.Lane;
import comet.wire.WriteReply;
import org.jspecify.annotations.Nullable;

/// One disk as the gateway sees it: a lane for writes, one for reads, the credit that it granted,
/// and, in order of sequence, every write sent on the connection whose data is kept. Reports of
/// what is durable move a mark along that list: a report covers a write only if the disk had
/// answered it before, and a later, lower one takes the mark back.
///
/// Where a disk has little credit to grant, it learns what the write lacks that waits longest, and
/// asks others to give back what they hold. Everybody collects credit in the order of disk ids, and
/// keeps of a recalled one only what a write needs that waits for a disk behind this one: so no two
/// gateways can wait for each other's for ever.
final class DiskPeer {
    /// A write that has waited for credit for so long makes the disk learn of it.
    private static final long NEED_AFTER_NS = 50_000_000;

    /// After so many such answers, half a second apart, it is told: the disk may just have started,
    /// and one whose device hangs needs a few seconds itself to find that out and say so.
    private static final int CUT_OFF_TIMES = 8;

    private static final String CUT_OFF =
            "but the metadata group reaches it: look at this gateway's own network";

    private final Gateway gateway;
    private final int diskId;
    private final DiskLane write;
    private final DiskLane read;

    private long creditBytes;
    private long sentBytes;
    private boolean full;
    private long sequence;
    private long durableSequence;
    private @Nullable MemberWrite first;
    private @Nullable MemberWrite last;

    /// The last one known durable; all before it are.
    private @Nullable MemberWrite mark;

    private final PartQueue waitingForCredit = new PartQueue();
    private boolean needPlanned;
    private final Runnable tellNeedTask = this::tellNeed;
    private final ReadsInFlight reads;
    private boolean sameHost;
    private long waitingSinceNs;

    /// How often in a row the leader has said that it reaches what this gateway does not.
    private int reachedByOthers;

    DiskPeer(Gateway gateway, int diskId) {
        this.gateway = gateway;
        this.diskId = diskId;
        write = new DiskLane(this, Lane.WRITE, gateway);
        read = new DiskLane(this, Lane.READ, gateway);
        reads = new ReadsInFlight(read);
    }

    int diskId() {
        return diskId;
    }

    DiskLane write() {
        return write;
    }

    DiskLane read() {
        return read;
    }

    /// On the gateway's host, or in its process.
    boolean sameHost() {
        return sameHost;
    }

    void sameHost(boolean sameHost) {
        this.sameHost = sameHost;
    }

    void connect() {
        write.connect();
        read.connect();
    }

    void close() {
        write.close();
        read.close();
    }

    // Credit.

    /// Of a full disk's credit the last part is for requests without data.
    long creditFor(WritePart part) {
        return full && part.hasData() ? creditLeft() - Credit.WITHOUT_DATA_BYTES : creditLeft();
    }

    long creditLeft() {
        return creditBytes - sentBytes;
    }

    boolean full() {
        return full;
    }

    void awaitCredit(WritePart part) {
        if (waitingForCredit.isEmpty()) {
            waitingSinceNs = gateway.loop().nowNs();
        }
        waitingForCredit.add(part);
        planNeed();
    }

    private void planNeed() {
        if (!needPlanned && !waitingForCredit.isEmpty()) {
            needPlanned = true;
            gateway.loop().schedule(NEED_AFTER_NS, tellNeedTask);
        }
    }

    private void tellNeed() {
        needPlanned = false;
        if (write.up()) {
            // What waits longest may have died with its volume; no answer of the disk says so.
            grant();
            if (lack() > 0 && (write.features() & Hello.CREDIT_NEEDS) != 0) {
                sendNeed(0);
            }
            planNeed();
        }
    }

    /// What the write that waits longest lacks.
    private long lack() {
        return waitingForCredit.peek() instanceof WritePart part && !part.dead
                ? Math.max(0, part.cost() - creditLeft())
                : 0;
    }

    private void sendNeed(long returnedBytes) {
        sentBytes += returnedBytes;
        long lack = lack();
        long needed = lack == 0 ? 0 : creditBytes + lack;
        write.send(CreditNeed.encode(gateway.frames().take(), needed, returnedBytes));
    }

    /// Others wait for what is not needed here.
    private void giveBack() {
        long kept = 0;
        for (DiskPeer behind : gateway.peersBehind(diskId)) {
            if (behind.write.up()
                    && behind.waitingForCredit.peek() instanceof WritePart part
                    && part.pg.memberOf(this) >= 0) {
                kept = Math.max(kept, part.cost());
            }
        }
        sendNeed(Math.max(0, creditLeft() - kept));
    }

    /// Members have changed: those who wait here may have to wait elsewhere.
    void releaseWaiting() {
        waitingForCredit.resumeAll();
    }

    /// Looks at each of those that wait now once: one whose PG does not know this boot of the disk
    /// yet comes back at once, and goes on when its PG is opened in the new epoch.
    private void grant() {
        for (int left = waitingForCredit.count();
                left > 0
                        && waitingForCredit.peek() instanceof WritePart part
                        && (part.dead || (full && part.hasData()) || creditLeft() >= part.cost());
                left--) {
            waitingForCredit.poll();
            waitingSinceNs = gateway.loop().nowNs();
            part.resume();
        }
    }

    ReadsInFlight reads() {
        return reads;
    }

    // Writes.

    /// The number of the next WRITE; charged unless sent again.
    long nextSequence(long chargedBytes) {
        sentBytes += chargedBytes;
        return ++sequence;
    }

    long sequence() {
        return sequence;
    }

    void link(MemberWrite copy) {
        Check.that(copy.peer == null, "sent twice to one disk");
        copy.peer = this;
        copy.next = null;
        copy.previous = last;
        if (last == null) {
            first = copy;
        } else {
            last.next = copy;
        }
        last = copy;
    }

    void unlink(MemberWrite copy) {
        if (mark == copy) {
            mark = copy.previous;
        }
        if (copy.previous == null) {
            first = copy.next;
        } else {
            copy.previous.next = copy.next;
        }
        if (copy.next == null) {
            last = copy.previous;
        } else {
            copy.next.previous = copy.previous;
        }
        copy.previous = null;
        copy.next = null;
        copy.peer = null;
        copy.answered = false;
        copy.durable = false;
    }

    /// A report: everything up to `upTo` that was answered before is durable, and nothing else.
    void onDurable(long upTo) {
        durableSequence = upTo;
        while (mark != null && mark.sequence > upTo) {
            mark.durable = false;
            mark = mark.previous;
        }
        for (MemberWrite next = afterMark(); next != null; next = afterMark()) {
            if (next.sequence > upTo || !next.answered) {
                return;
            }
            mark = next;
            next.durable = true;
            next.part.volume.unsynced().settle(next.part);
        }
    }

    private @Nullable MemberWrite afterMark() {
        return mark == null ? first : mark.next;
    }

    long durableSequence() {
        return durableSequence;
    }

    void onCreditBytes(long bytes) {
        if (bytes > creditBytes) {
            creditBytes = bytes;
            grant();
        }
    }

    /// The answer to a write that was taken back.
    void onForgotten(Frame reply) {
        if (WriteReply.valid(reply)) {
            onCreditBytes(WriteReply.creditBytes(reply));
        }
    }

    void onCredit(Frame frame) {
        if (!Credit.valid(frame)) {
            write.reconnect("a malformed credit");
            return;
        }
        full = Credit.full(frame);
        onDurable(Credit.durableSequence(frame));
        onCreditBytes(Credit.creditBytes(frame));
        grant();
        if (Credit.recall(frame)) {
            giveBack();
        }
    }

    // The connection.

    void onUp(Lane lane, Hello.Answer answer) {
        if (lane == Lane.WRITE) {
            Check.that(first == null, "writes left from an earlier connection");
            creditBytes = answer.creditBytes();
            sentBytes = 0;
            full = false;
            sequence = 0;
            durableSequence = 0;
        }
        DiskInfo disk = gateway.map().disk(diskId);
        if (disk == null || disk.bootId() != answer.bootId()) {
            gateway.keeper().refresh();
        }
        gateway.peerUp(this, lane);
        if (lane == Lane.WRITE) {
            grant();
            planNeed();
        }
    }

    void onDown(Lane lane, String why) {
        if (lane == Lane.WRITE) {
            full = false;
            for (MemberWrite copy = first; copy != null; copy = first) {
                unlink(copy);
            }
        }
        gateway.peerDown(this, lane, why);
    }

    /// The map knows more of this disk: a connection to an earlier life of it is of no use.
    void onDisk(DiskInfo disk) {
        if (disk.state() == DiskInfo.State.REMOVED) {
            write.retire();
            read.retire();
        }
        if (write.up() && write.bootId() != disk.bootId()) {
            write.reconnect("the disk has a new boot id");
        }
        if (read.up() && read.bootId() != disk.bootId()) {
            read.reconnect("the disk has a new boot id");
        }
        write.dialNow();
        read.dialNow();
    }

    /// Some placement groups go on without it. What it owes an answer to may be asked elsewhere.
    void leftBehind() {
        write.giveUp("left behind");
        read.giveUp("left behind");
        gateway.slowDisks().leftBehind(diskId);
    }

    void tick(long nowNs, long silenceNs) {
        write.tick(nowNs, silenceNs);
        read.tick(nowNs, silenceNs);
    }

    /// Since when writes to it get no further; now where they do.
    long stuckSinceNs() {
        if (!write.up()) {
            return write.downSinceNs();
        }
        return waitingForCredit.isEmpty()
                ? write.silentSinceNs()
                : Math.min(waitingSinceNs, write.silentSinceNs());
    }

    /// Whether it owes answers for too long, or cannot be called.
    boolean isSilent(long nowNs) {
        return write.isSilent(nowNs) || read.isSilent(nowNs);
    }

    /// The metadata group's leader reaches it, and this gateway does not; or not so.
    void reachedByOthers(boolean reached) {
        if (!reached) {
            reachedByOthers = 0;
            return;
        }
        write.dialNow();
        read.dialNow();
        if (++reachedByOthers == CUT_OFF_TIMES) {
            gateway.events()
                    .event(
                            Events.Level.ERROR,
                            "gateway-cut-off",
                            "disk=" + diskId + " hint=\"" + CUT_OFF + "\"");
        }
    }

    /// Why it cannot be written to, in words.
    String text(boolean bootIsRight) {
        return plainText(bootIsRight) + (reachedByOthers >= CUT_OFF_TIMES ? ", " + CUT_OFF : "");
    }

    private String plainText(boolean bootIsRight) {
        if (!write.up()) {
            return "disk " + diskId + ": " + write.downWhy();
        }
        if (!bootIsRight) {
            return "disk " + diskId + ": its new boot is not in the map yet";
        }
        return waitingForCredit.isEmpty()
                ? "disk " + diskId + ": it does not answer"
                : "disk " + diskId + ": it grants no credit";
    }
}
