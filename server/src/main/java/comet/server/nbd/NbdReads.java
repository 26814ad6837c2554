package comet.server.nbd;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.ChannelConfig;
import io.netty.channel.RecvByteBufAllocator;
import io.netty.util.UncheckedBooleanSupplier;
import org.jspecify.annotations.Nullable;

/// Has Netty read a connection's bytes to where its handler wants them.
final class NbdReads implements RecvByteBufAllocator {
    /// Reads from one socket before the others get their turn.
    private static final int READS_PER_TURN_MAX = 16;

    private final NbdHandler handler;

    NbdReads(NbdHandler handler) {
        this.handler = handler;
    }

    @Override
    @SuppressWarnings("deprecation") // the only method of the interface, and of Netty's own ones
    public Handle newHandle() {
        return new Reads();
    }

    private final class Reads implements ExtendedHandle {
        private @Nullable ChannelConfig config;
        private int reads;
        private int lastBytes;
        private int attemptedBytes;

        @Override
        public ByteBuf allocate(ByteBufAllocator unused) {
            return handler.target();
        }

        @Override
        public int guess() {
            return NbdHandler.RECEIVE_BYTES;
        }

        @Override
        public void reset(ChannelConfig config) {
            this.config = config;
            reads = 0;
        }

        @Override
        public void incMessagesRead(int count) {
            reads += count;
        }

        @Override
        public void lastBytesRead(int bytes) {
            lastBytes = bytes;
        }

        @Override
        public int lastBytesRead() {
            return lastBytes;
        }

        @Override
        public void attemptedBytesRead(int bytes) {
            attemptedBytes = bytes;
        }

        @Override
        public int attemptedBytesRead() {
            return attemptedBytes;
        }

        @Override
        public boolean continueReading() {
            return mayContinue() && lastBytes == attemptedBytes;
        }

        @Override
        public boolean continueReading(UncheckedBooleanSupplier maybeMore) {
            return mayContinue() && maybeMore.get();
        }

        @Override
        public void readComplete() {}

        private boolean mayContinue() {
            ChannelConfig of = config;
            return of != null && of.isAutoRead() && reads < READS_PER_TURN_MAX;
        }
    }
}
