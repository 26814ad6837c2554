package comet.cluster;

/// State of a PG's replica on a disk. IN_SYNC and RECOVERING are members and are sent every write;
/// STALE is no member.
public enum MemberState {
    IN_SYNC,
    RECOVERING,
    STALE
}
