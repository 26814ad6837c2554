package comet.replica;

import comet.base.Versions;

/// The rules by which a replica accepts a request; a pure function of what the request says and
/// what the replica knows.
///
/// 1. The term is not older than the newest that was seen of the volume. A newer one is remembered
///    durably before the request goes on. Term 0 stands outside of this rule.
/// 2. The epoch is the replica's own: a lower one is refused, for a higher one the replica learns
///    the configuration first.
/// 3. The disk is a member of the placement group, in this boot.
/// 4. The previous version is the chunk's version. The new version, or a later one of the same
///    term, already there is a repeat: done before. Within a term there is one history, so a later
///    version of that term holds the write.
public final class ApplyRules {
    private ApplyRules() {}

    /// What this disk is in a placement group, in this boot.
    public enum Role {
        NONE,
        IN_SYNC,
        RECOVERING
    }

    /// What is to be done with a request.
    public enum Outcome {
        /// Rules 1 to 3 hold (see [#gate]), or all four (see [#write]).
        APPLY,
        /// Rule 4: the write is already there. Answered as done.
        REPEAT,
        /// Rule 4 fails at a RECOVERING replica: answered NOTED, the chunk is compared again.
        NOTE,
        /// Rule 4 fails at an IN_SYNC replica.
        WRONG_VERSION,
        /// Rule 1 fails.
        FENCED,
        /// Rule 1: remember the term durably, then ask again.
        RAISE_FENCE,
        /// Rule 2 fails.
        OLD_EPOCH,
        /// Rule 2: learn the configuration, then ask again.
        FETCH_MAP,
        /// Rule 3 fails.
        NOT_A_REPLICA
    }

    /// Rules 1 to 3.
    ///
    /// @param term the request's, 0 for a reader without an attachment
    /// @param fence the newest term seen of the volume
    /// @param epoch the request's
    /// @param known the replica's epoch of the placement group
    public static Outcome gate(long term, long fence, long epoch, long known, Role role) {
        if (term != 0 && term < fence) {
            return Outcome.FENCED;
        }
        if (epoch < known) {
            return Outcome.OLD_EPOCH;
        }
        if (epoch > known) {
            return Outcome.FETCH_MAP;
        }
        if (role == Role.NONE) {
            return Outcome.NOT_A_REPLICA;
        }
        return term > fence ? Outcome.RAISE_FENCE : Outcome.APPLY;
    }

    /// Rule 4, once the others hold.
    ///
    /// @param here the chunk's version, 0 where it is absent
    public static Outcome write(Role role, long previous, long version, long here) {
        if (previous == here) {
            return Outcome.APPLY;
        }
        if (isRepeat(version, here)) {
            return Outcome.REPEAT;
        }
        return role == Role.RECOVERING ? Outcome.NOTE : Outcome.WRONG_VERSION;
    }

    /// Whether a chunk at version `here` holds the write `version`.
    static boolean isRepeat(long version, long here) {
        return Versions.term(version) == Versions.term(here)
                && Versions.count(here) >= Versions.count(version);
    }
}
