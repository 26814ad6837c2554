package comet.sim;

import comet.base.Prng;
import comet.sim.check.G1Linearizable;
import comet.sim.check.G4Flush;
import comet.sim.check.G5NoSilentLoss;
import comet.sim.check.G7Convergence;
import comet.sim.check.G8Integrity;
import comet.sim.check.History;
import comet.sim.check.ReplicaImage;
import comet.sim.check.Rotten;
import comet.sim.check.Violation;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/// One run: a cluster is made, guests work while faults happen (safety), faults stop and everything
/// must come back (liveness), then everything is read and compared.
public final class Run {
    private static final long SECOND_NS = 1_000_000_000L;
    private static final long SETUP_NS_MAX = 30 * SECOND_NS;

    /// Faults have stopped: by then everything must have come back.
    private static final long LIVENESS_NS_MAX = 120 * SECOND_NS;

    private static final long EVENTS_MAX = 1_000_000;

    /// What became of a run.
    ///
    /// @param failure what went wrong, or null
    /// @param longestNs what the slowest request of a guest took
    /// @param hash equal for two runs of a seed
    public record Outcome(
            long seed,
            @Nullable String failure,
            long hash,
            long events,
            long simulatedNs,
            int requests,
            int faults,
            long longestNs,
            SortedMap<String, Integer> eventCounts) {}

    private final long seed;
    private final Simulation simulation;
    private final Cluster cluster;
    private final Faults faults;
    private final Options options;

    /// Whether the last [#images] came to an end, one way or the other.
    private boolean imagesEnded;

    private Run(long seed, Options options, Canary canary, Trace trace) {
        this.seed = seed;
        this.options = options;
        simulation = new Simulation(seed, trace);
        cluster = new Cluster(simulation, options, canary);
        faults = new Faults(cluster, options);
    }

    /// Runs a seed with the options that it draws.
    public static Outcome of(long seed) {
        return of(seed, Options.of(seed), Canary.NONE, Trace.off());
    }

    static Outcome of(long seed, Options options, Canary canary, Trace trace) {
        Run run = new Run(seed, options, canary, trace);
        String failure;
        try {
            failure = run.run();
        } catch (RuntimeException | AssertionError e) {
            java.io.StringWriter text = new java.io.StringWriter();
            e.printStackTrace(new java.io.PrintWriter(text));
            failure = text.toString();
        }
        // How much of the rot anybody met: to see that the runs reach it.
        run.cluster.probe("rot-met", run.cluster.rotten().metCount());
        run.cluster.copies().reached().forEach(run.cluster::probe);
        int requests = 0;
        long longestNs = 0;
        for (Guests g : run.cluster.guests()) {
            requests += g.history().ops().size();
            longestNs = Math.max(longestNs, g.longestNs());
            g.errors().forEach((errno, count) -> run.cluster.probe("errno " + errno, count));
        }
        return new Outcome(
                seed,
                failure,
                run.simulation.hash(),
                run.simulation.eventCount(),
                run.simulation.nowNs(),
                requests,
                run.faults.happened(),
                longestNs,
                run.cluster.eventCounts());
    }

    private @Nullable String run() {
        boolean[] ready = new boolean[1];
        cluster.create(() -> ready[0] = true);
        if (!until(SETUP_NS_MAX, () -> ready[0])) {
            return "the cluster does not come up\n" + Dump.of(cluster);
        }
        simulation.trace("run", "safety phase, faults " + options.faults());
        cluster.watch();
        cluster.guests().forEach(Guests::start);
        faults.start();
        until(
                options.safetyNs(),
                () -> broken() != null || cluster.guests().stream().allMatch(Guests::done));
        faults.stop();
        simulation.trace("run", "liveness phase");
        cluster.healEverything();
        cluster.guests().forEach(Guests::stop);
        String stuck = live();
        return broken() != null ? broken() : stuck != null ? stuck : judge();
    }

    /// What already failed for sure, or null.
    private @Nullable String broken() {
        if (!cluster.errors().isEmpty()) {
            return "unexpected event: " + cluster.errors().getFirst();
        }
        Violation found = cluster.stale().check();
        if (found == null) {
            found = cluster.oneWriter().check();
        }
        if (found == null) {
            found = cluster.copies().check();
        }
        return found == null ? null : found.toString();
    }

    /// Everything comes back, then everything is read through fresh gateways.
    private @Nullable String live() {
        if (!until(LIVENESS_NS_MAX, () -> quiet() || broken() != null)) {
            return "no progress after faults have stopped\n" + Dump.of(cluster);
        }
        // What the gateways alone still hold has to reach the disks before they go.
        if (!until(LIVENESS_NS_MAX, () -> cluster.calm() || broken() != null)) {
            return "no flush ends after faults have stopped\n" + Dump.of(cluster);
        }
        if (options.scrub()) {
            String unfound = scrubCold();
            if (unfound != null) {
                return unfound;
            }
            abandon();
        }
        cluster.renewGateways();
        int[] left = new int[] {cluster.guests().size()};
        for (Guests g : cluster.guests()) {
            g.readAll(() -> left[0]--);
        }
        if (!until(LIVENESS_NS_MAX, () -> left[0] == 0 || broken() != null)) {
            return "the last read of everything does not end\n" + Dump.of(cluster);
        }
        for (Guests g : cluster.guests()) {
            g.flushOnce(flushed -> {});
        }
        if (!until(LIVENESS_NS_MAX, () -> quiet() || broken() != null)) {
            return "replicas do not come in sync\n" + Dump.of(cluster);
        }
        return options.scrub() ? scrubAbandoned() : null;
    }

    /// Bits flip in data that nobody reads; scrubs put all of it right.
    ///
    /// @return what went wrong, or null
    private @Nullable String scrubCold() {
        // First what a device that failed has left behind: of every block one copy stays good.
        String wrong = scrub();
        Prng prng = simulation.fork();
        int flips = options.faults().contains(Options.Fault.ROT) ? 1 + prng.nextInt(4) : 0;
        for (int n = 0; n < flips && wrong == null; n++) {
            cluster.probe("cold-rot", cluster.rot(prng) ? 1 : 0);
        }
        wrong = wrong == null ? scrub() : wrong;
        TreeMap<Integer, ReplicaImage> images = wrong == null ? images() : null;
        Violation unfound = images == null ? null : cluster.rotten().checkAll(images);
        return unfound == null ? wrong : unfound.toString();
    }

    /// The gateways die in the middle of writes to a volume that nobody opens again.
    private void abandon() {
        Prng prng = simulation.fork();
        Scrubs scrubs = cluster.scrubs();
        until(SECOND_NS, scrubs::abandons);
        until(SECOND_NS, scrubs::attached);
        until(2_000_000 + prng.nextLong(4_000_000), () -> broken() != null);
        // From here on what is written gets to some of the disks only.
        scrubs.abandons();
        until(prng.nextLong(10_000_000), () -> broken() != null);
        scrubs.stall(cluster.net(), prng);
        until(1_000_000 + prng.nextLong(10_000_000), () -> broken() != null);
        // A gateway that is started again takes what it had: so that has ended before.
        cluster.gateways().forEach(gateway -> gateway.kill(0));
        scrubs.abandoned();
        until(LIVENESS_NS_MAX, scrubs::abandonedLeft);
    }

    /// Has all disks scrub.
    ///
    /// @return what went wrong, or null
    private @Nullable String scrub() {
        BooleanSupplier scrubbed = cluster.scrubs().all();
        if (!until(LIVENESS_NS_MAX, () -> scrubbed.getAsBoolean() || broken() != null)) {
            return "a scrub does not end\n" + Dump.of(cluster);
        }
        return broken();
    }

    /// The same once nobody has the abandoned volume any more.
    private @Nullable String scrubAbandoned() {
        if (!until(LIVENESS_NS_MAX, cluster.scrubs()::abandonedLeft)) {
            return "a volume is not detached\n" + Dump.of(cluster);
        }
        return scrub();
    }

    /// All disks, or null where they cannot be read now.
    private @Nullable TreeMap<Integer, ReplicaImage> images() {
        TreeMap<Integer, ReplicaImage> images = new TreeMap<>();
        int[] left = new int[1];
        for (SimNode node : cluster.nodes()) {
            left[0] +=
                    node.image(image -> {
                        images.put(image.diskId, image);
                        left[0]--;
                    });
        }
        imagesEnded = until(LIVENESS_NS_MAX, () -> left[0] == 0 || !cluster.settled());
        return left[0] > 0 ? null : images;
    }

    private boolean quiet() {
        return cluster.settled()
                && cluster.meta().movesDone()
                && cluster.guests().stream().allMatch(Guests::idle);
    }

    private @Nullable String judge() {
        List<Violation> found = new ArrayList<>();
        for (Guests g : cluster.guests()) {
            History history = g.history();
            add(found, new G8Integrity(history).check());
            add(found, new G4Flush(history).check());
            add(found, new G5NoSilentLoss(history).check());
            G1Linearizable linearizable = new G1Linearizable(history);
            add(found, linearizable.check());
            cluster.probe("cell-undecided", linearizable.undecided());
            String wrong = unexpectedErrors(g);
            if (wrong != null) {
                return wrong;
            }
        }
        if (found.isEmpty()) {
            converge(found);
        }
        return found.isEmpty() ? broken() : found.getFirst().toString();
    }

    /// Errors that guests saw and that nothing in this run explains, or null.
    private @Nullable String unexpectedErrors(Guests g) {
        TreeMap<Integer, Integer> errors = new TreeMap<>(g.errors());
        errors.remove(comet.port.Errno.ENOTSUP);
        if (options.smallDisk()) {
            errors.remove(comet.port.Errno.ENOSPC);
        }
        if (options.faults().contains(Options.Fault.TAKEOVER)) {
            errors.remove(comet.port.Errno.ESHUTDOWN);
            errors.remove(comet.port.Errno.EIO);
            errors.remove(comet.port.Errno.EPERM);
        }
        return errors.isEmpty() ? null : "guests of volume " + g.volumeId() + " saw " + errors;
    }

    private void converge(List<Violation> found) {
        boolean failed = cluster.eventCounts().containsKey("PROBE fault DISK_ERROR");
        if (failed) {
            // What a failing device could not read may have been copied as lost.
            cluster.rotten().happened();
        }
        for (int attempt = 0; attempt < 40; attempt++) {
            found.clear();
            TreeMap<Integer, ReplicaImage> images = images();
            if (images == null) {
                found.add(new Violation("G7", "replicas cannot be read\n" + Dump.of(cluster)));
                if (imagesEnded && until(LIVENESS_NS_MAX, this::quiet)) {
                    // A node whose disk had failed was started anew meanwhile.
                    continue;
                }
                return;
            }
            boolean lostAllowed = failed && !options.scrub();
            add(found, G7Convergence.check(cluster.meta().truth(), images, lostAllowed));
            if (found.isEmpty()) {
                Rotten rotten = cluster.rotten();
                add(found, options.scrub() ? rotten.checkAll(images) : rotten.check(images));
            }
            if (found.isEmpty()) {
                return;
            }
            // Levelling and purging go on in the background.
            until(SECOND_NS, () -> false);
        }
    }

    private static void add(List<Violation> found, @Nullable Violation violation) {
        if (violation != null) {
            found.add(violation);
        }
    }

    /// Lets the world go on until `done`, for so long at most.
    private boolean until(long ns, java.util.function.BooleanSupplier done) {
        long endNs = simulation.nowNs() + ns;
        while (!done.getAsBoolean()) {
            if (simulation.nowNs() >= endNs || !simulation.step()) {
                return false;
            }
            if (simulation.eventCount() > EVENTS_MAX) {
                throw new IllegalStateException("too many events: somebody spins");
            }
        }
        return true;
    }

    @Override
    public String toString() {
        return "seed " + seed;
    }
}
