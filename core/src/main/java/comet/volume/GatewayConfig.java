package comet.volume;

import comet.base.Check;

/// Bounds and times of a gateway, each with what happens at it.
///
/// @param inFlightBytesMax data of requests under way in the whole gateway; more wait, the volumes
///   taking turns
/// @param volumeInFlightBytesMax the same for one volume
/// @param unsyncedBytesMax data kept for G5 until every replica has it durably; at half of it the
///   gateway flushes by itself, at the whole writes wait
/// @param blockMapsMax block maps kept for status requests, 256 bytes each, per volume
/// @param detachAfterNs how long a volume stays attached after its last client has left
/// @param silenceNs a peer that owes an answer and says nothing for so long is dialled anew
public record GatewayConfig(
        long inFlightBytesMax,
        long volumeInFlightBytesMax,
        long unsyncedBytesMax,
        int blockMapsMax,
        long detachAfterNs,
        long silenceNs) {
    public static final long SECOND_NS = 1_000_000_000L;

    public GatewayConfig {
        Check.that(inFlightBytesMax > 0, "inFlightBytesMax", inFlightBytesMax, 0);
        Check.that(volumeInFlightBytesMax > 0, "volumeInFlightBytesMax", volumeInFlightBytesMax, 0);
        Check.that(unsyncedBytesMax > 0, "unsyncedBytesMax", unsyncedBytesMax, 0);
        Check.that(blockMapsMax > 0, "blockMapsMax", blockMapsMax, 0);
        Check.that(detachAfterNs > 0 && silenceNs > 0, "times", detachAfterNs, silenceNs);
    }

    /// The bounds of one of `count` gateways that have these together: none of them ever has to ask
    /// another one.
    public GatewayConfig share(int count) {
        long inFlight = Math.max(1, inFlightBytesMax / count);
        return new GatewayConfig(
                inFlight,
                Math.min(volumeInFlightBytesMax, inFlight),
                Math.max(1, unsyncedBytesMax / count),
                blockMapsMax,
                detachAfterNs,
                silenceNs);
    }

    public static GatewayConfig defaults() {
        return new GatewayConfig(
                128L << 20, 32L << 20, 64L << 20, 65_536, 30 * SECOND_NS, 10 * SECOND_NS);
    }
}
