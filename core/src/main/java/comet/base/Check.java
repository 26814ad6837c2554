package comet.base;

/// Checks of what must hold if the program is right. A failed check is a bug: it stops the smallest
/// owner of the state (volume, disk, process), never only the request. Always on.
public final class Check {
    private Check() {}

    /// Thrown when a check fails.
    public static final class Failed extends RuntimeException {
        private static final long serialVersionUID = 1L;

        Failed(String message) {
            super(message);
        }
    }

    public static void that(boolean fact, String message) {
        if (!fact) {
            throw new Failed(message);
        }
    }

    /// As above, with two numbers that are put into words only on failure.
    public static void that(boolean fact, String message, long a, long b) {
        if (!fact) {
            throw new Failed(message + ": " + a + ", " + b);
        }
    }

    public static Failed failed(String message) {
        return new Failed(message);
    }
}
