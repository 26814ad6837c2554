package comet.volume;

import comet.base.Check;
import comet.base.Versions;
import org.jspecify.annotations.Nullable;

/// The writes of one volume whose data is kept: those under way, and the complete ones that some
/// member does not have durably yet (G5: they are sent again if the member lost them). Per PG in
/// the order of sending. The memory is bounded in the gateway: at half of it the client flushes, at
/// the whole writes wait.
final class UnsyncedWrites {
    private final Volume volume;
    private @Nullable VolumePg dirtyFirst;
    private int count;
    private int completeCount;

    UnsyncedWrites(Volume volume) {
        this.volume = volume;
    }

    /// Writes kept, complete or not.
    int count() {
        return count;
    }

    /// Complete writes that are kept: what a flush has to wait for.
    int completeCount() {
        return completeCount;
    }

    @Nullable VolumePg dirtyFirst() {
        return dirtyFirst;
    }

    void add(WritePart part) {
        VolumePg pg = part.pg;
        part.keptNext = null;
        part.keptPrevious = pg.keptLast;
        if (pg.keptLast == null) {
            pg.keptFirst = part;
            addDirty(pg);
        } else {
            pg.keptLast.keptNext = part;
        }
        pg.keptLast = part;
        count++;
        // One without data (a trim) counts as a block.
        volume.room().keep(part.cost());
    }

    /// A member has answered or reported: completes the write, lets go of it, or neither.
    void settle(WritePart part) {
        if (part.pg.phase != VolumePg.Phase.OPEN) {
            return;
        }
        if (part.stage == WritePart.Stage.SENT && allAnswered(part)) {
            complete(part);
        }
        if (part.stage == WritePart.Stage.COMPLETE && allDurable(part)) {
            release(part);
        }
    }

    private void complete(WritePart part) {
        ActiveChunk chunk = part.active;
        if (chunk == null) {
            throw Check.failed("a write completes out of order");
        }
        chunk.sent--;
        if (Versions.compare(part.version, chunk.completed) > 0) {
            chunk.completed = part.version;
        }
        part.stage = WritePart.Stage.COMPLETE;
        completeCount++;
        volume.maps().onWrite(part);
        part.finish(0);
        if (volume.room().isHigh()) {
            volume.flush().background();
        }
    }

    private void release(WritePart part) {
        VolumePg pg = part.pg;
        if (part.keptPrevious == null) {
            pg.keptFirst = part.keptNext;
        } else {
            part.keptPrevious.keptNext = part.keptNext;
        }
        if (part.keptNext == null) {
            pg.keptLast = part.keptPrevious;
        } else {
            part.keptNext.keptPrevious = part.keptPrevious;
        }
        part.keptNext = null;
        part.keptPrevious = null;
        if (pg.keptFirst == null) {
            removeDirty(pg);
        }
        count--;
        completeCount--;
        long freed = part.cost();
        long round = part.flushRound;
        part.free();
        // The count first: what goes on now, with the end of a flush or with the room, must see it.
        volume.room().letGo(freed);
        volume.flush().released(round);
        volume.attachment().onProgress();
    }

    private static boolean allAnswered(WritePart part) {
        for (int m = 0; m < part.pg.members; m++) {
            if (!part.copies[m].answered) {
                return false;
            }
        }
        return true;
    }

    private static boolean allDurable(WritePart part) {
        for (int m = 0; m < part.pg.members; m++) {
            if (!part.copies[m].durable) {
                return false;
            }
        }
        return true;
    }

    /// The volume has ended: nothing is kept any more.
    void clear() {
        count = 0;
        completeCount = 0;
        for (VolumePg pg = dirtyFirst; pg != null; pg = dirtyFirst) {
            pg.keptFirst = null;
            pg.keptLast = null;
            removeDirty(pg);
        }
        volume.room().letGo(volume.room().unsyncedBytes());
    }

    private void addDirty(VolumePg pg) {
        Check.that(!pg.dirty, "dirty twice");
        pg.dirty = true;
        pg.dirtyPrevious = null;
        pg.dirtyNext = dirtyFirst;
        if (dirtyFirst != null) {
            dirtyFirst.dirtyPrevious = pg;
        }
        dirtyFirst = pg;
    }

    private void removeDirty(VolumePg pg) {
        pg.dirty = false;
        if (pg.dirtyPrevious == null) {
            dirtyFirst = pg.dirtyNext;
        } else {
            pg.dirtyPrevious.dirtyNext = pg.dirtyNext;
        }
        if (pg.dirtyNext != null) {
            pg.dirtyNext.dirtyPrevious = pg.dirtyPrevious;
        }
        pg.dirtyPrevious = null;
        pg.dirtyNext = null;
    }
}
