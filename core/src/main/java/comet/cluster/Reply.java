package comet.cluster;

/// What the metadata group answers to a command. All carry the revision up to which the asker must
/// know the map before it acts on the answer.
public sealed interface Reply {
    long revision();

    record Done(long revision) implements Reply {}

    /// The id of the thing created or found.
    record Id(long revision, long id) implements Reply {}

    /// @param bootId the boot id under which the disk serves from now on
    record DiskStarted(long revision, long bootId) implements Reply {}

    /// @param term the attachment's term
    record Attached(long revision, long term) implements Reply {}

    /// Nothing was changed.
    ///
    /// @param code lower-case words joined by `-`, for programs
    /// @param message what happened, to what, what to do, for people
    record Refused(long revision, String code, String message) implements Reply {}
}
