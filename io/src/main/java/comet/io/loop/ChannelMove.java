package comet.io.loop;

import comet.base.Check;
import io.netty.channel.Channel;
import io.netty.channel.ChannelPromise;

/// Moves a channel from the loop that accepted it to another one of the same transport, for good.
///
/// It goes with its handlers, its options, the allocator of its reads (which Netty asks for once in
/// a channel's life) and whatever waits to be written. Meanwhile nothing may be asked of it: it
/// does not read by itself (auto-read is off, and stays off) and nobody writes. A peer that goes
/// away can still make Netty read what it left, and end the channel, on the old loop until it has
/// left, on the new one from then on: so its handlers must bear both, but never at the same time.
@SuppressWarnings("FutureReturnValueIgnored") // listeners are told
public final class ChannelMove {
    private ChannelMove() {}

    /// On the channel's loop.
    ///
    /// @param arrived runs on the new loop, before that has read anything of the channel; `to` is
    ///   the channel's loop from then on
    /// @param lost runs instead, on whichever loop, where the channel was closed meanwhile or the
    ///   new loop has ended
    public static void move(Channel channel, EventLoop to, Runnable arrived, Runnable lost) {
        Check.that(to.transport().movesChannels(), "a channel of a ring cannot move");
        Check.that(!channel.config().isAutoRead(), "a channel that reads cannot move");
        channel.deregister()
                .addListener(_ -> {
                    // Registered now, a closed one would be forgotten by neither loop.
                    if (channel.isOpen()) {
                        register(channel, to, arrived, lost);
                    } else {
                        to.guarded(lost);
                    }
                });
    }

    private static void register(Channel channel, EventLoop to, Runnable arrived, Runnable lost) {
        ChannelPromise there = channel.newPromise();
        // Listened to first: told later, the new loop might have found something to read before.
        there.addListener(_ ->
                to.guarded(() -> {
                    if (there.isSuccess()) {
                        // The old loop no longer says that the socket has room.
                        channel.flush();
                        arrived.run();
                    } else {
                        lost.run();
                    }
                }));
        channel.unsafe().register(to.netty(), there);
    }
}
