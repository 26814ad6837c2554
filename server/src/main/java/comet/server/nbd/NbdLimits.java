package comet.server.nbd;

import comet.base.Check;
import comet.base.Sizes;

/// Bounds of the NBD server. What happens at each: over `connectionsMax` a new connection is closed
/// at once; over the others the server stops reading from a connection until there is room.
///
/// @param connectionsMax connections of one listener
/// @param requestsMax requests in flight of one connection
/// @param connectionBytesMax buffers in flight of one connection, from the moment when a request is
///   taken until its reply has left
/// @param totalBytesMax the same of all connections together, beyond what each has to itself
/// @param privateBytes what each connection may use without asking anybody, so that small requests
///   go on while others fill the rest
/// @param unsentBytesMax replies that the client has not taken yet, above which no new request of
///   it is begun; reading goes on at half of it
/// @param keptBytesMax buffers kept for reuse, for reads and again for writes
/// @param handshakeNs time from connecting to the end of the negotiation
/// @param stallNs how long a client may neither send the rest of a write nor take its replies while
///   others wait for the memory that it holds, or while it is being disconnected
public record NbdLimits(
        int connectionsMax,
        int requestsMax,
        long connectionBytesMax,
        long totalBytesMax,
        int privateBytes,
        int unsentBytesMax,
        long keptBytesMax,
        long handshakeNs,
        long stallNs) {

    /// Data of an option; names and queries inside are at most [#NAME_BYTES_MAX].
    static final int OPTION_BYTES_MAX = 64 << 10;

    /// Every string of the protocol.
    static final int NAME_BYTES_MAX = 4096;

    /// Extents in one answer to BLOCK_STATUS (the document: at most 2^20); the client asks again
    /// from where they end.
    static final int EXTENTS_MAX = 8192;

    /// Heads and replies without data that a client has not taken; above, no new request of it is
    /// begun. Its data is bounded as memory in flight.
    static final int UNSENT_HEAD_BYTES_MAX = 256 << 10;

    /// Texts for people: what a client sends is said back to it and to the log no longer than so.
    static final int TEXT_CHARACTERS_MAX = 300;

    /// Buffers of the largest request: one chunk more where it is not aligned.
    static final int REQUEST_BYTES_MAX = Nbd.PAYLOAD_BYTES_MAX + Sizes.CHUNK_BYTES;

    public static final NbdLimits DEFAULT =
            new NbdLimits(
                    1024,
                    1024,
                    64L << 20,
                    512L << 20,
                    256 << 10,
                    8 << 20,
                    64L << 20,
                    30_000_000_000L,
                    20_000_000_000L);

    public NbdLimits {
        Check.that(connectionsMax > 0 && requestsMax > 0, "counts", connectionsMax, requestsMax);
        // One request of the largest size must always fit when nothing else is in flight.
        Check.that(
                connectionBytesMax >= Nbd.PAYLOAD_BYTES_MAX,
                "connectionBytesMax",
                connectionBytesMax,
                0);
        Check.that(totalBytesMax >= REQUEST_BYTES_MAX, "totalBytesMax", totalBytesMax, 0);
        Check.that(privateBytes >= 0 && unsentBytesMax > 0, "bytes", privateBytes, unsentBytesMax);
        Check.that(handshakeNs > 0 && stallNs > 0, "times", handshakeNs, stallNs);
    }

    /// The same where the process may take no more than `bytesMax` outside of its heap: requests
    /// have a quarter of it, so that clients wait rather than the process ends.
    public NbdLimits within(long bytesMax) {
        return new NbdLimits(
                connectionsMax,
                requestsMax,
                connectionBytesMax,
                Math.max(REQUEST_BYTES_MAX, Math.min(totalBytesMax, bytesMax / 4)),
                privateBytes,
                unsentBytesMax,
                Math.min(keptBytesMax, bytesMax / 32),
                handshakeNs,
                stallNs);
    }

    /// The same for one of `count` loops that have this together. Each connection is bounded as
    /// before; what connections share is divided, so that no loop ever has to ask another one, but
    /// one request of the largest size must fit everywhere.
    NbdLimits share(int count) {
        return new NbdLimits(
                connectionsMax,
                requestsMax,
                connectionBytesMax,
                Math.max(REQUEST_BYTES_MAX, totalBytesMax / count),
                privateBytes,
                unsentBytesMax,
                keptBytesMax / count,
                handshakeNs,
                stallNs);
    }
}
