package comet.sim;

import comet.base.Prng;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// Runs seeds by hand: `comet.sim.Sim --seed N [--trace]` replays one, `--seeds FROM-TO` runs many.
public final class Sim {
    private Sim() {}

    public static void main(String[] args) {
        long from = 1;
        long to = 1;
        boolean trace = false;
        boolean twice = true;
        boolean hurried = false;
        boolean moving = false;
        Canary canary = Canary.NONE;
        @Nullable Set<Options.Fault> only = null;
        for (int i = 0; i < args.length; i++) {
            switch (args[i]) {
                case "--seed" -> {
                    from = Long.parseLong(args[++i]);
                    to = from;
                }
                case "--seeds" -> {
                    String[] range = args[++i].split("-", 2);
                    from = Long.parseLong(range[0]);
                    to = Long.parseLong(range[1]);
                }
                case "--trace" -> trace = true;
                case "--once" -> twice = false;
                case "--hurried" -> hurried = true;
                case "--moving" -> moving = true;
                case "--canary" -> canary = Canary.valueOf(args[++i]);
                case "--faults" -> {
                    only = EnumSet.noneOf(Options.Fault.class);
                    for (String fault : args[++i].split(",", -1)) {
                        if (!fault.equals("none")) {
                            only.add(Options.Fault.valueOf(fault));
                        }
                    }
                }
                default -> {
                    System.err.println(
                            "usage: --seed N | --seeds A-B [--trace] [--once] [--hurried] [--moving]"
                                    + " [--faults A,B|none] [--canary NAME]");
                    System.exit(2);
                }
            }
        }
        System.exit(run(from, to, only, canary, trace, twice && !trace, hurried, moving));
    }

    private static int run(
            long from,
            long to,
            @Nullable Set<Options.Fault> only,
            Canary canary,
            boolean trace,
            boolean twice,
            boolean hurried,
            boolean moving) {
        List<Long> failed = new ArrayList<>();
        TreeMap<String, Integer> kinds = new TreeMap<>();
        TreeMap<String, Integer> counts = new TreeMap<>();
        long startNs = System.nanoTime();
        long events = 0;
        long requests = 0;
        long simulatedNs = 0;
        for (long seed = from; seed <= to; seed++) {
            Options options = Options.of(seed);
            if (moving) {
                options = options.moving(new Prng(seed));
            }
            if (only != null) {
                options = options.withFaults(only);
            }
            if (hurried) {
                options = options.hurried();
            }
            Trace out = trace ? Trace.to(System.out::println) : Trace.off();
            Run.Outcome outcome = Run.of(seed, options, canary, out);
            String failure = outcome.failure();
            if (failure == null && twice) {
                long again = Run.of(seed, options, canary, Trace.off()).hash();
                if (again != outcome.hash()) {
                    failure = "two runs differ";
                }
            }
            events += outcome.events();
            requests += outcome.requests();
            outcome.eventCounts()
                    .forEach((event, count) -> counts.merge(event, count, Integer::sum));
            simulatedNs += outcome.simulatedNs();
            if (failure != null) {
                failed.add(seed);
                String head = failure.lines().findFirst().orElse("");
                kinds.merge(head.replaceAll("[0-9]+", "N"), 1, Integer::sum);
                System.out.println("seed " + seed + " FAILED: " + (from == to ? failure : head));
            }
            if (from == to) {
                System.out.println(options);
                System.out.println(outcome);
            }
        }
        double seconds = (System.nanoTime() - startNs) / 1e9;
        System.out.printf(
                "%d seeds in %.1f s, %d failed; %d events, %d requests, %.0f simulated s%n",
                to - from + 1, seconds, failed.size(), events, requests, simulatedNs / 1e9);
        System.out.println(counts);
        for (Map.Entry<String, Integer> kind : kinds.entrySet()) {
            System.out.println(kind.getValue() + " x " + kind.getKey());
        }
        return failed.isEmpty() ? 0 : 1;
    }
}
