package comet.cli;

import java.time.Duration;
import java.util.function.Predicate;
import tools.jackson.databind.JsonNode;

/// Waits until disks hold nothing any more.
final class Emptying {
    private Emptying() {}

    /// @param what is being emptied, for people
    /// @param which of the disks
    /// @param removed wait until they are removed, too
    static void await(AdminClient client, String what, Predicate<JsonNode> which, boolean removed) {
        Waiting waiting = Waiting.onConsole();
        while (true) {
            long left = 0;
            boolean done = true;
            for (JsonNode disk : client.get("/v1/disks").path("disks")) {
                String state = AdminCommand.text(disk, "state");
                if (!which.test(disk) || state.equals("removed")) {
                    continue;
                }
                if (state.equals("active")) {
                    throw new IllegalStateException(what + " is to stay, says another command");
                }
                left += disk.path("pgsHeld").asLong(0);
                done &= !removed;
            }
            if (done && left == 0) {
                waiting.end("");
                return;
            }
            String line = "%s: %d placement groups left".formatted(what, left);
            waiting.show(line, line + "\n", left, "placement groups", System.nanoTime());
            pause();
        }
    }

    private static void pause() {
        try {
            Thread.sleep(Duration.ofMillis(500));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }
}
