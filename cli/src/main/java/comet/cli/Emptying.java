package comet.cli;

import java.util.function.Predicate;
import tools.jackson.databind.JsonNode;

/// Waits until disks hold nothing any more.
final class Emptying {
    private Emptying() {}

    /// @param what is being emptied, for people
    /// @param which of the disks
    /// @param removed wait until they are removed, too
    /// @return whether they are; where not, that was said
    static boolean await(
            AdminClient client,
            String what,
            Predicate<JsonNode> which,
            boolean removed,
            Deadline end) {
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
                return true;
            }
            String line = "%s: %d placement groups left".formatted(what, left);
            if (end.over()) {
                waiting.end("");
                System.err.printf(
                        "comet: %s; it goes on by itself, and `%s cluster rebalance` says how far it is%n",
                        line, Launcher.word());
                return false;
            }
            waiting.show(line, line + "\n", left, "placement groups", System.nanoTime());
            WaitOptions.pause(500);
        }
    }
}
