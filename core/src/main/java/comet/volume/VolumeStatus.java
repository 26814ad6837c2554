package comet.volume;

/// A volume as its gateway sees it, for people and programs.
///
/// @param state `detached`, `attaching`, `opening`, `attached`, `draining`, `detaching`, `ended`
/// @param term 0 unless attached
/// @param waitingFor what I/O waits for, in words, or ""
/// @param waitingSinceNs since when, on the loop's clock; 0 where nothing is waited for
/// @param inFlightBytes of requests under way
/// @param queued requests that wait to be begun
/// @param unsyncedBytes kept until every replica has them durably; zeroes or a trim within one
///   chunk have no data and count as one block
/// @param unsyncedWrites how many writes those are, each within one chunk
/// @param toLevel chunks still to be levelled
/// @param throttledNs how long requests have waited for the volume's limits, all together as one
/// @param throttledRequests requests that have
public record VolumeStatus(
        long volumeId,
        String name,
        String state,
        long term,
        int clients,
        boolean pinned,
        String waitingFor,
        long waitingSinceNs,
        long inFlightBytes,
        int queued,
        long unsyncedBytes,
        int unsyncedWrites,
        int toLevel,
        VolumeStats stats,
        long throttledNs,
        long throttledRequests) {}
