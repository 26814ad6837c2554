package comet.replica;

import comet.replica.WriteLane.Progress;
import comet.wire.ChunkRequest;
import comet.wire.Frame;
import comet.wire.Status;

/// LEVEL: the client that opens a volume has this replica make one chunk equal to that of another
/// IN_SYNC replica, whose version is higher.
final class LevelVerb {
    private final DiskServer disk;

    LevelVerb(DiskServer disk) {
        this.disk = disk;
    }

    Progress on(WriteLane lane, Frame f) {
        if (!ChunkRequest.valid(f) || f.hasData()) {
            return lane.invalid(f, "level");
        }
        Frame reply = disk.frames().take();
        lane.session().send(ChunkRequest.levelReply(reply, f.requestId(), Status.BUSY, 0, 0));
        return Progress.DONE;
    }
}
