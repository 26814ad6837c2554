package comet.cluster;

/// A disk as the map has it.
///
/// @param domain the failure domain: its node's, unless `comet up` puts two into one process
/// @param weight share of placement, in bytes of capacity unless the operator set it
/// @param bootId names this life of the disk; 0 before its first start
/// @param startCount starts seen; a disk that registers with a lower or equal one is an older copy
public record DiskInfo(
        int diskId,
        long uuidHigh,
        long uuidLow,
        int nodeId,
        String domain,
        long weight,
        long bootId,
        long startCount,
        State state) {

    /// Administrative state.
    public enum State {
        ACTIVE,
        /// Takes no new PGs; its own move to other disks.
        DRAINING,
        /// As DRAINING, and REMOVED as soon as it has none.
        REMOVING,
        /// For ever; it may not start again.
        REMOVED
    }

    /// Whether it is part of the cluster: it has served, and was not removed.
    public boolean counts() {
        return bootId != 0 && state != State.REMOVED;
    }

    public DiskInfo withState(State to) {
        return new DiskInfo(
                diskId, uuidHigh, uuidLow, nodeId, domain, weight, bootId, startCount, to);
    }

    public DiskInfo withWeight(long to) {
        return new DiskInfo(
                diskId, uuidHigh, uuidLow, nodeId, domain, to, bootId, startCount, state);
    }
}
