package comet.server.admin;

/// A request that cannot be done.
///
/// The message says what happened, to what, and what to do.
public final class AdminException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final String code;
    private final int httpStatus;

    private AdminException(int httpStatus, String code, String message) {
        super(message);
        this.code = code;
        this.httpStatus = httpStatus;
    }

    /// The request itself is wrong.
    public static AdminException bad(String code, String message) {
        return new AdminException(400, code, message);
    }

    public static AdminException missing(String code, String message) {
        return new AdminException(404, code, message);
    }

    /// The state of things forbids it.
    public static AdminException conflict(String code, String message) {
        return new AdminException(409, code, message);
    }

    /// Somebody who is needed does not answer.
    public static AdminException unavailable(String code, String message) {
        return new AdminException(503, code, message);
    }

    static AdminException forbidden(int httpStatus, String code, String message) {
        return new AdminException(httpStatus, code, message);
    }

    public String code() {
        return code;
    }

    public int httpStatus() {
        return httpStatus;
    }

    public String text() {
        return String.valueOf(getMessage());
    }
}
