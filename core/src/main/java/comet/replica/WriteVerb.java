package comet.replica;

import comet.base.Check;
import comet.base.Sizes;
import comet.base.Versions;
import comet.cluster.PgHash;
import comet.port.IoDone;
import comet.replica.ApplyRules.Outcome;
import comet.replica.ApplyRules.Role;
import comet.replica.WriteLane.Progress;
import comet.store.ChunkStore;
import comet.wire.Frame;
import comet.wire.Status;
import comet.wire.WriteRequest;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/// WRITE: check the rules, apply, answer; with DURABLE the answer waits for the sync.
final class WriteVerb {
    /// Set in a received frame, beside the message's own flags: there was no space for what goes
    /// beyond the client's credit.
    private static final int UNCHARGED = 0x80;

    private final DiskServer disk;
    private final ArrayDeque<Durable> free = new ArrayDeque<>();

    WriteVerb(DiskServer disk) {
        this.disk = disk;
    }

    Progress on(WriteLane lane, Frame f) {
        if (!lane.retrying()) {
            String wrong = admit(lane, f);
            if (wrong != null) {
                return lane.invalid(f, wrong);
            }
        }
        long volumeId = WriteRequest.volumeId(f);
        Outcome gate = gate(f);
        switch (gate) {
            case FETCH_MAP -> {
                return lane.awaitMap() ? Progress.WAIT : lane.invalid(f, "epoch");
            }
            case RAISE_FENCE -> {
                disk.fences().raise(volumeId, Versions.term(WriteRequest.version(f)));
                disk.fences().whenSettled(lane::resume);
                return Progress.WAIT;
            }
            case APPLY -> {
                if (!disk.fences().settled(volumeId)) {
                    disk.fences().whenSettled(lane::resume);
                    return Progress.WAIT;
                }
            }
            default -> {
                refuse(lane, f, gate);
                return Progress.DONE;
            }
        }
        if (disk.holds().held(volumeId, WriteRequest.chunkIndex(f))) {
            disk.holds().add(key(f), lane, f);
            return Progress.TAKEN;
        }
        Outcome outcome = outcome(f);
        if (outcome == Outcome.NOTE && holdsBack(f)) {
            holdBack(f);
            disk.holds().add(key(f), lane, f);
            return Progress.TAKEN;
        }
        if (outcome == Outcome.APPLY && !disk.store().hasRoom(f.dataBytes())) {
            disk.whenRoom(lane::resume);
            return Progress.WAIT;
        }
        return finish(lane, f, outcome) ? Progress.DONE : lane.invalid(f, "generation");
    }

    /// Applies a write that waited for its chunk.
    ///
    /// @return false where it must wait on
    boolean apply(WriteLane lane, Frame f) {
        Outcome gate = gate(f);
        if (gate != Outcome.APPLY) {
            Check.that(gate != Outcome.FETCH_MAP && gate != Outcome.RAISE_FENCE, "gate of a hold");
            refuse(lane, f, gate);
            return true;
        }
        Outcome outcome = outcome(f);
        if (outcome == Outcome.NOTE && holdsBack(f)) {
            holdBack(f);
            return false;
        }
        if (outcome == Outcome.APPLY && !disk.store().hasRoom(f.dataBytes())) {
            ChunkKey key = key(f);
            disk.whenRoom(() -> disk.holds().drain(key));
            return false;
        }
        if (!finish(lane, f, outcome)) {
            var _ = lane.invalid(f, "generation");
        }
        return true;
    }

    /// Checks the request once, counts it and charges it.
    ///
    /// @return what is wrong with it, or null
    private @Nullable String admit(WriteLane lane, Frame f) {
        if (!WriteRequest.valid(f) || !disk.validChunk(WriteRequest.volumeId(f))) {
            return "write";
        }
        int pg = WriteRequest.pg(f);
        int chunk = WriteRequest.chunkIndex(f);
        if (pg != PgHash.of(WriteRequest.volumeId(f), chunk, disk.pgCount())) {
            return "pg";
        }
        long version = WriteRequest.version(f);
        long term = Versions.term(version);
        if (term == 0
                || term >= Versions.TERM_MAX
                || Versions.count(version) == 0
                || Versions.compare(WriteRequest.previous(f), version) >= 0
                || WriteRequest.generation(f) < 1) {
            return "version";
        }
        if (WriteRequest.sequence(f) != lane.log().next()) {
            return "sequence";
        }
        lane.log().arrived();
        disk.share().guest(f.dataBytes() >>> Sizes.BLOCK_SHIFT);
        f.flags(f.flags() & ~UNCHARGED);
        if ((f.flags() & WriteRequest.RESEND) == 0 && !lane.credits().charge(cost(f))) {
            f.flags(f.flags() | UNCHARGED);
        }
        return null;
    }

    private Outcome gate(Frame f) {
        int pg = WriteRequest.pg(f);
        return ApplyRules.gate(
                Versions.term(WriteRequest.version(f)),
                disk.store().fence(WriteRequest.volumeId(f)),
                WriteRequest.epoch(f),
                disk.epoch(pg),
                disk.role(pg));
    }

    private Outcome outcome(Frame f) {
        Role role = disk.role(WriteRequest.pg(f));
        if (role == Role.RECOVERING && (f.flags() & UNCHARGED) != 0) {
            return Outcome.NOTE;
        }
        long here = disk.version(WriteRequest.volumeId(f), WriteRequest.chunkIndex(f));
        return ApplyRules.write(role, WriteRequest.previous(f), WriteRequest.version(f), here);
    }

    /// Does what the rules say and answers.
    ///
    /// @return false where the write is impossible in itself
    private boolean finish(WriteLane lane, Frame f, Outcome outcome) {
        ChunkStore store = disk.store();
        if (store.failed()) {
            refuse(lane, f, Status.IO_ERROR);
            return true;
        }
        switch (outcome) {
            case APPLY -> {
                if ((f.flags() & UNCHARGED) != 0) {
                    refuse(lane, f, Status.NO_SPACE);
                    return true;
                }
                if (!validGeneration(f)) {
                    return false;
                }
                long change = store.write(f);
                lane.credits().used(charged(f));
                disk.counters().wrote(f.dataBytes());
                answered(lane, f, false);
                applied(lane, f, change);
            }
            case REPEAT -> {
                disk.counters().repeats++;
                answered(lane, f, false);
                lane.credits().unused(charged(f));
                // Which change made it is not known any more; all so far hold it.
                applied(lane, f, store.appliedSequence());
            }
            case NOTE -> {
                disk.counters().notes++;
                answered(lane, f, true);
                refuse(lane, f, Status.NOTED);
            }
            default -> refuse(lane, f, outcome);
        }
        return true;
    }

    /// The write is in the store: answers now, or once it is durable.
    private void applied(WriteLane lane, Frame f, long change) {
        if ((f.flags() & WriteRequest.DURABLE) == 0) {
            answer(lane, f, Status.OK, change);
            return;
        }
        Durable durable = free.isEmpty() ? new Durable() : free.removeLast();
        durable.start(lane, f, change);
        disk.store().sync(change, durable, 0);
    }

    private void refuse(WriteLane lane, Frame f, Outcome outcome) {
        refuse(lane, f, DiskServer.status(outcome));
    }

    private void refuse(WriteLane lane, Frame f, int status) {
        lane.credits().unused(charged(f));
        answer(lane, f, status, 0);
    }

    private void answer(WriteLane lane, Frame f, int status, long change) {
        lane.answer(
                WriteRequest.sequence(f),
                f.requestId(),
                status,
                disk.epoch(WriteRequest.pg(f)),
                disk.version(WriteRequest.volumeId(f), WriteRequest.chunkIndex(f)),
                change);
    }

    /// A recovery counts every write that its replica answers.
    private void answered(WriteLane lane, Frame f, boolean noted) {
        Recovery recovery = disk.recovery(WriteRequest.pg(f));
        if (recovery != null) {
            recovery.answered(key(f), WriteRequest.version(f), lane, noted);
        }
    }

    private boolean holdsBack(Frame f) {
        Recovery recovery = disk.recovery(WriteRequest.pg(f));
        return recovery != null && recovery.holdsBack();
    }

    private void holdBack(Frame f) {
        Recovery recovery = disk.recovery(WriteRequest.pg(f));
        if (recovery != null) {
            recovery.holdBack(key(f));
        }
    }

    /// Whether the write's generation fits those of the chunk.
    private boolean validGeneration(Frame f) {
        int generation = WriteRequest.generation(f);
        int base = WriteRequest.base(f);
        ChunkStore.Chunk chunk =
                disk.store().chunk(WriteRequest.volumeId(f), WriteRequest.chunkIndex(f));
        int newest = chunk == null ? 0 : chunk.generation();
        if (newest == 0 || generation == newest) {
            return true;
        }
        return generation > newest && base >= 1 && base <= newest;
    }

    private static ChunkKey key(Frame f) {
        return new ChunkKey(WriteRequest.volumeId(f), WriteRequest.chunkIndex(f));
    }

    /// What a write takes of the credit: its blocks, one where it carries no data.
    private static long cost(Frame f) {
        return Math.max(f.dataBytes(), Sizes.BLOCK_BYTES);
    }

    private static long charged(Frame f) {
        return (f.flags() & (WriteRequest.RESEND | UNCHARGED)) != 0 ? 0 : cost(f);
    }

    /// A write that is answered when it is durable. Kept for reuse.
    private final class Durable implements IoDone {
        private @Nullable WriteLane lane;
        private long sequence;
        private long requestId;
        private long volumeId;
        private int chunkIndex;
        private int pg;
        private long epoch;
        private long change;
        private long startNs;

        void start(WriteLane lane, Frame f, long change) {
            this.lane = lane;
            this.change = change;
            sequence = WriteRequest.sequence(f);
            requestId = f.requestId();
            volumeId = WriteRequest.volumeId(f);
            chunkIndex = WriteRequest.chunkIndex(f);
            pg = WriteRequest.pg(f);
            epoch = WriteRequest.epoch(f);
            startNs = disk.loop().nowNs();
        }

        @Override
        public void done(long token, int result) {
            WriteLane to = lane;
            if (to == null) {
                throw Check.failed("durable write without a lane");
            }
            // An answer counts only in the epoch in which it was asked.
            int status = disk.epoch(pg) == epoch ? Status.OK : Status.OLD_EPOCH;
            if (result < 0) {
                disk.failed(result);
                status = Status.IO_ERROR;
            }
            disk.counters().durableWriteNs.record(disk.loop().nowNs() - startNs);
            long version = disk.version(volumeId, chunkIndex);
            to.answer(sequence, requestId, status, disk.epoch(pg), version, change);
            lane = null;
            free.addLast(this);
        }
    }
}
