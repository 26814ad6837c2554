package comet.server.raft;

/// This member does not lead, or stopped to while it was asked: what was asked may have been
/// committed or not. Ask whoever leads, with the same submission.
public final class NotLeaderException extends Exception {
    private static final long serialVersionUID = 1L;

    public NotLeaderException(String message) {
        super(message);
    }
}
