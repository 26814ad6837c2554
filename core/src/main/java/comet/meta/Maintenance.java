package comet.meta;

import comet.cluster.NodeInfo;
import java.util.TreeMap;

/// Until when nodes are in maintenance, as the leader counts it.
///
/// The operator names a time of day, and clocks are set. So what is left is taken from the clock
/// once, when this leader first meets that end, and counted down by a clock that nobody sets: a
/// jump of the wall clock by hours neither ends a maintenance nor makes one last.
final class Maintenance {
    private static final long NS_PER_MS = 1_000_000;

    /// A century, which fits into nanoseconds.
    private static final long FOR_EVER_MS = 100L * 365 * 24 * 3600 * 1000;

    private final TreeMap<Integer, Span> spans = new TreeMap<>();

    /// @param untilMs as the node's record has it
    private record Span(long untilMs, long endNs) {}

    void forget() {
        spans.clear();
    }

    /// To be told often: what is new here is counted from now on.
    ///
    /// @param nowMs wall clock
    void look(Iterable<NodeInfo> nodes, long nowNs, long nowMs) {
        for (NodeInfo node : nodes) {
            long untilMs = node.maintenanceUntilMs();
            Span span = spans.get(node.nodeId());
            if (untilMs == 0) {
                spans.remove(node.nodeId());
            } else if (span == null || span.untilMs != untilMs) {
                long leftMs = Math.clamp(untilMs - nowMs, 0, FOR_EVER_MS);
                spans.put(node.nodeId(), new Span(untilMs, nowNs + leftMs * NS_PER_MS));
            }
        }
    }

    boolean covers(NodeInfo node, long nowNs) {
        Span span = spans.get(node.nodeId());
        return span != null && nowNs - span.endNs < 0;
    }
}
