package comet.replica;

/// Which disk this is, as its folder says.
public record DiskIdentity(int diskId, long uuidHigh, long uuidLow) {}
