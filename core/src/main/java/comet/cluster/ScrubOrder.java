package comet.cluster;

/// An operator's wish to have data read and compared now.
///
/// @param id 1 and up, in the order of asking
/// @param pg every IN_SYNC member of this placement group scrubs it at full rate; -1: `diskId`
///   scrubs all that it has at its usual rate, from the beginning
/// @param diskId 0 where a placement group is meant
/// @param askedAtMs wall clock of the asker, for people only
public record ScrubOrder(long id, int pg, int diskId, long askedAtMs) {}
