package comet.cli;

import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import tools.jackson.databind.JsonNode;

@Command(
        name = "detach",
        description = {
            "Flush a volume and end its attachment.",
            "Where disks are away that the flush needs, this waits for them; --force does not."
        })
final class DetachCommand extends VolumeCommands.OnVolume {
    /// More than it takes where nothing is wrong.
    private static final long QUIET_MS = 2000;

    @Option(
            names = "--force",
            description = "End it without its gateway. What that one has not flushed may be lost.")
    boolean force;

    @Override
    int run(AdminClient client) {
        CompletableFuture<JsonNode> done =
                CompletableFuture.supplyAsync(
                        () -> client.post(path("detach"), Map.of("force", force)),
                        task -> Thread.ofPlatform().daemon().start(task));
        try {
            try {
                done.get(QUIET_MS, TimeUnit.MILLISECONDS);
            } catch (TimeoutException e) {
                tell(client);
                done.get();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        } catch (ExecutionException e) {
            throw e.getCause() instanceof RuntimeException refused
                    ? refused
                    : new IllegalStateException(e.getCause());
        }
        System.out.printf("detached volume %s%n", name);
        return 0;
    }

    private void tell(AdminClient client) {
        String waitsFor = "";
        try {
            for (JsonNode volume : client.get("/v1/gateway/volumes").path("volumes")) {
                waitsFor = text(volume, "name").equals(name) ? text(volume, "waitsFor") : waitsFor;
            }
        } catch (AdminClient.AdminException e) {
            // It does not say; that one waits is worth a word all the same.
        }
        System.err.printf(
                "volume %s is flushed first%s ...%n",
                name, waitsFor.isEmpty() ? "" : ", which waits for " + waitsFor);
        if (!force) {
            System.err.printf(
                    "`%s volume detach %s --force` ends it without; what is not flushed may be lost"
                            + " then%n",
                    Launcher.word(), name);
        }
    }
}
