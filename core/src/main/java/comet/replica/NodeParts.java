package comet.replica;

import comet.base.BufPool;
import comet.port.Connection;
import comet.port.Events;
import comet.port.Loop;
import comet.port.MetaClient;
import comet.port.WallClock;
import comet.wire.FramePool;

/// What the disks of one loop share.
public record NodeParts(
        NodeConfig config,
        Loop loop,
        MetaClient meta,
        Connection.Dialer dialer,
        FramePool frames,
        BufPool bufs,
        Events events,
        WallClock wall) {
    /// Without the time of day: reports carry none.
    public NodeParts(
            NodeConfig config,
            Loop loop,
            MetaClient meta,
            Connection.Dialer dialer,
            FramePool frames,
            BufPool bufs,
            Events events) {
        this(config, loop, meta, dialer, frames, bufs, events, () -> 0);
    }
}
