package comet.io.net;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.ChannelConfig;
import io.netty.channel.RecvByteBufAllocator;
import io.netty.util.UncheckedBooleanSupplier;
import org.jspecify.annotations.Nullable;

/// Has Netty read into buffers that the reader chooses, so that nothing is allocated per read and
/// large data is not copied.
///
/// Netty asks a channel for its allocator once: who reads later on is told by [#from].
public final class ReadTargets implements RecvByteBufAllocator {
    /// Who reads.
    public interface Source {
        /// Where the next bytes are to go; the caller gives its reference back.
        ByteBuf target();
    }

    private Source source;

    public ReadTargets(Source source) {
        this.source = source;
    }

    void from(Source next) {
        source = next;
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
            return source.target();
        }

        @Override
        public int guess() {
            return Limits.RECEIVE_BYTES;
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
            return of != null && of.isAutoRead() && reads < Limits.READS_PER_TURN_MAX;
        }
    }
}
