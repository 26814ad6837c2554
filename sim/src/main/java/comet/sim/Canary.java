package comet.sim;

/// A rule that a run leaves out, to see whether a checker notices. The rules are left out in the
/// world around the cores (in frames, disks and updates), never by a switch inside them.
public enum Canary {
    NONE,

    /// G1: a replica takes the version of a write and not its blocks.
    LOSE_BLOCKS,

    /// G2: who is to leave leaves as soon as the new member has joined.
    LEAVE_EARLY,

    /// G2: who is to leave deletes what it has before it may leave.
    DROP_EARLY,

    /// G1, G2: a member that joins counts as in sync at once.
    IN_SYNC_AT_ONCE,

    /// G2: the leader goes on without a disk although it does not know that another one lives.
    LEAVE_LAST_COPY,

    /// G3: recovering replicas pass as in sync.
    SERVE_WHILE_RECOVERING,

    /// G4: a sync is answered by the network instead of the disk.
    NO_SYNC,

    /// G4 and the store's own care: disks say that they have synced, and have not.
    LIE_ABOUT_SYNC,

    /// G4: disks say that they have synced their segments, and have not: records of large writes
    /// are there before their data.
    RECORD_BEFORE_DATA,

    /// G5: of what is sent again after a failure only the versions arrive.
    FORGET_KEPT_WRITES,

    /// G6: opening with a newer term fences nobody, and older writers' last writes come right
    /// behind it. (The newer one's first write fences them.)
    NO_FENCE,

    /// G7: levelling is said to be done, and is not.
    SKIP_LEVELLING,

    /// G8: what was read is not checked against the checksum that was stored.
    SERVE_ROT,

    /// G8, its other half: replicas ask each other for nothing, so nothing rotten is repaired.
    NO_REPAIR,

    /// G8: a scrub takes blocks that do not fit their checksums for holes.
    BLIND_SCRUB,

    /// G7: a scrub learns no other replica's versions.
    COMPARE_NOTHING,

    /// G1, G3: a metadata group that was lost is made anew from the disks' copies of the map alone,
    /// as if they were never behind.
    FORGET_BOOKS,

    /// G1, G3: a disk that starts knows nothing of what it has written down of placement groups.
    FORGET_OWN_BOOK,

    /// G6: it goes on with the terms that the copies name.
    TERMS_GO_BACK
}
