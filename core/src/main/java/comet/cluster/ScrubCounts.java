package comet.cluster;

/// What a scrub has met.
///
/// @param chunks that were on the disk
/// @param bytes of data read and checked
/// @param errors blocks that could not be read or failed their checksum
/// @param repaired of these: whole again now
/// @param differences chunks that were older here than at another IN_SYNC replica although nobody
///   had their volume open
/// @param levelled of these: equal now
/// @param conflicts chunks of equal versions and other content: a bug of Comet's, never repaired
/// @param uncompared chunks that another replica was not asked about, since it did not answer
public record ScrubCounts(
        long chunks,
        long bytes,
        long errors,
        long repaired,
        long differences,
        long levelled,
        long conflicts,
        long uncompared) {

    /// Whether something is left that the scrub could not put right.
    public boolean bad() {
        return errors > repaired || differences > levelled || conflicts > 0;
    }
}
