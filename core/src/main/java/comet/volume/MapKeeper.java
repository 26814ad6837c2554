package comet.volume;

import comet.cluster.ClusterMap;
import comet.cluster.MapUpdate;
import comet.port.MetaClient;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/// The gateway's copy of the map and what waits for a newer one. One fetch at a time; whoever asks
/// while one is under way is served by the next, so that the answer holds everything committed
/// before the question.
final class MapKeeper {
    private final MetaClient meta;
    private final Consumer<MapUpdate> changed;
    private final ClusterMap map = new ClusterMap();
    private boolean fetching;
    private boolean again;
    private List<Runnable> served = new ArrayList<>();
    private List<Runnable> next = new ArrayList<>();
    private final List<Waiter> waiters = new ArrayList<>();

    private record Waiter(long revision, Runnable work) {}

    MapKeeper(MetaClient meta, Consumer<MapUpdate> changed) {
        this.meta = meta;
        this.changed = changed;
    }

    ClusterMap map() {
        return map;
    }

    /// Learns what is new, for somebody who was told that there is something.
    void refresh() {
        if (fetching) {
            again = true;
        } else {
            fetch();
        }
    }

    /// Runs `work` when the map holds everything that was committed before this call.
    void refreshThen(Runnable work) {
        next.add(work);
        refresh();
    }

    /// Runs `work` when the map is at least as new as `revision`; at once where it is.
    void whenAtLeast(long revision, Runnable work) {
        if (map.revision() >= revision) {
            work.run();
        } else {
            waiters.add(new Waiter(revision, work));
            refresh();
        }
    }

    void onPush(MapUpdate update) {
        if (map.revision() >= update.revision()) {
            return;
        }
        if (map.apply(update)) {
            learned(update);
        } else {
            refresh();
        }
    }

    private void fetch() {
        fetching = true;
        again = false;
        served = next;
        next = new ArrayList<>();
        meta.fetch(map.revision(), this::onFetched);
    }

    private void onFetched(MapUpdate update) {
        fetching = false;
        boolean newer = update.revision() > map.revision();
        boolean applied = map.apply(update);
        List<Runnable> ready = served;
        served = new ArrayList<>();
        if (!applied) {
            next.addAll(0, ready);
            ready = List.of();
        }
        if (again || !applied || !next.isEmpty()) {
            fetch();
        }
        if (newer && applied) {
            learned(update);
        }
        ready.forEach(Runnable::run);
    }

    private void learned(MapUpdate update) {
        changed.accept(update);
        List<Runnable> ready = new ArrayList<>();
        waiters.removeIf(waiter -> {
            boolean known = map.revision() >= waiter.revision;
            if (known) {
                ready.add(waiter.work);
            }
            return known;
        });
        ready.forEach(Runnable::run);
        if (!waiters.isEmpty() && !fetching) {
            fetch();
        }
    }
}
