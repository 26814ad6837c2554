package comet.replica;

import comet.base.BufPool;
import comet.port.Connection;
import comet.port.Events;
import comet.port.Loop;
import comet.port.MetaClient;
import comet.wire.FramePool;

/// What the disks of one loop share.
public record NodeParts(
        NodeConfig config,
        Loop loop,
        MetaClient meta,
        Connection.Dialer dialer,
        FramePool frames,
        BufPool bufs,
        Events events) {}
