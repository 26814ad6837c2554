package comet.replica;

import comet.replica.ReadLane.Progress;
import comet.wire.Frame;

/// LIST_PG, FENCES and BLOCKS: what another replica asks of this one.
final class PeerVerb {
    PeerVerb(DiskServer disk) {}

    Progress on(ReadLane lane, Frame f, boolean refreshed) {
        return lane.invalid(f, "type");
    }
}
