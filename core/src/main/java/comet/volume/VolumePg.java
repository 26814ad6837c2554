package comet.volume;

import comet.base.Check;
import comet.base.Sizes;
import comet.cluster.MemberState;
import comet.cluster.PgConfig;
import org.jspecify.annotations.Nullable;

/// One PG as one attached volume knows it: the members of the epoch it goes by, whether they are
/// open, what waits for that, and the writes whose data is kept, oldest first.
final class VolumePg {
    enum Phase {
        /// Not attached: only reads with term 0.
        CLOSED,
        OPENING,
        OPEN
    }

    /// How far the opening of one member is.
    enum Stage {
        NONE,
        ASKED,
        /// Has fenced older terms; IN_SYNC ones list their chunks now.
        OPENED,
        DONE
    }

    final Volume volume;
    final int pg;
    Phase phase = Phase.CLOSED;
    long epoch = -1;
    int members;
    final @Nullable DiskPeer[] peers = new DiskPeer[Sizes.MEMBERS_MAX];
    final long[] bootIds = new long[Sizes.MEMBERS_MAX];
    final boolean[] inSync = new boolean[Sizes.MEMBERS_MAX];

    // Opening.

    /// Counts the openings: answers to an earlier one are not heard.
    long attempt;

    final Stage[] stages = new Stage[Sizes.MEMBERS_MAX];
    final @Nullable Pending[] calls = new Pending[Sizes.MEMBERS_MAX];
    final @Nullable Listing[] listings = new Listing[Sizes.MEMBERS_MAX];

    /// The chunk table holds this PG's versions, from the first opening's comparison on.
    boolean known;

    /// Chunks of this PG in the chunk table.
    int chunks;

    /// All members have fenced older terms (or none was ever asked to).
    boolean fenced = true;

    /// Levellings that must end before the phase is OPEN, because kept writes build upon them.
    int blockingLevels;

    /// The opening after which another try is scheduled, and the pause before it.
    long troubledAttempt = -1;

    long troubleNs;
    long sinceNs;
    boolean queuedForOpen;

    /// Parts that wait for the phase OPEN.
    final PartQueue waiting = new PartQueue();

    // Kept writes, see UnsyncedWrites.
    @Nullable WritePart keptFirst;
    @Nullable WritePart keptLast;
    @Nullable VolumePg dirtyPrevious;
    @Nullable VolumePg dirtyNext;
    boolean dirty;

    VolumePg(Volume volume, int pg) {
        this.volume = volume;
        this.pg = pg;
    }

    DiskPeer peer(int member) {
        DiskPeer peer = peers[member];
        if (peer == null) {
            throw Check.failed("no such member");
        }
        return peer;
    }

    int memberOf(DiskPeer peer) {
        for (int m = 0; m < members; m++) {
            if (peers[m] == peer) {
                return m;
            }
        }
        return -1;
    }

    /// Takes over a configuration. STALE replicas are no members.
    void configure(PgConfig config, Gateway gateway) {
        epoch = config.epoch();
        members = 0;
        for (PgConfig.Member member : config.members()) {
            if (member.state() != MemberState.STALE) {
                peers[members] = gateway.peer(member.diskId());
                bootIds[members] = member.bootId();
                inSync[members] = member.state() == MemberState.IN_SYNC;
                members++;
            }
        }
    }

    /// Whether the member can be sent to under the boot id that counts.
    boolean writable(int member) {
        return peer(member).write().up(bootIds[member]);
    }

    boolean readable(int member) {
        return peer(member).read().up(bootIds[member]);
    }

    /// The attachment has ended.
    void close() {
        phase = Phase.CLOSED;
        attempt++;
        epoch = -1;
        known = false;
        chunks = 0;
        fenced = true;
        blockingLevels = 0;
        queuedForOpen = false;
        troubleNs = 0;
    }

    /// Why it is not open, in words.
    private String opensFor() {
        for (int m = 0; m < members; m++) {
            if (!writable(m)) {
                return peer(m).text(peer(m).write().up(bootIds[m]));
            }
        }
        for (int m = 0; m < members; m++) {
            if (stages[m] != Stage.DONE) {
                return "pg " + pg + ": disk " + peer(m).diskId() + " is being opened";
            }
        }
        return "pg " + pg + ": opening";
    }

    /// Since when it gets no further; now where it does.
    long stuckSinceNs(long nowNs) {
        if (phase == Phase.OPENING) {
            return sinceNs;
        }
        long since = nowNs;
        for (int m = 0; phase == Phase.OPEN && m < members; m++) {
            since = Math.min(since, peer(m).stuckSinceNs());
        }
        return since;
    }

    /// What it waits for, in words.
    String waitsFor() {
        if (phase == Phase.OPENING) {
            return opensFor();
        }
        int slowest = 0;
        for (int m = 1; m < members; m++) {
            if (peer(m).stuckSinceNs() < peer(slowest).stuckSinceNs()) {
                slowest = m;
            }
        }
        return peer(slowest).text(writable(slowest));
    }
}
