package comet.server.up;

/// Run once after a build with the JVM recording what it loads, so that later starts find it ready.
final class Train {
    private Train() {}

    public static void main(String[] args) {
        System.exit(0);
    }
}
