package comet.cluster;

import java.util.List;

/// What one disk found when it last scrubbed all it has, or one placement group by order.
///
/// @param pg -1: all of the disk
/// @param orderId the newest order that this answers, 0 where nobody had asked
/// @param startedAtMs wall clock of the disk's node, as is `endedAtMs`; for people only
/// @param badPgs placement groups with something that was not put right, the first [#BAD_PGS_MAX]
public record ScrubReport(
        int diskId,
        int pg,
        long orderId,
        long startedAtMs,
        long endedAtMs,
        ScrubCounts counts,
        List<Integer> badPgs) {
    public static final int BAD_PGS_MAX = 64;

    public ScrubReport {
        badPgs = List.copyOf(badPgs);
    }
}
