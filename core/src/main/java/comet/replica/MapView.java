package comet.replica;

import comet.base.Check;
import comet.cluster.ClusterMap;
import comet.cluster.MapImage;
import comet.cluster.MapUpdate;
import comet.port.MetaClient;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/// The node's view of the agreed state: fed by pushes of the metadata group, and by reads where a
/// gap shows or somebody must know what was committed before a moment. One read is under way at a
/// time; who asks meanwhile is served by the next one, which began after the question.
final class MapView implements MetaClient.Listener {
    /// Told every change, after the map has it.
    interface Watcher {
        void onMap(MapUpdate update);
    }

    private final MetaClient meta;
    private final Watcher watcher;
    private final ClusterMap map = new ClusterMap();
    private List<Runnable> waiting = new ArrayList<>();

    /// Volumes that the group remembers to be purged, the latest.
    private final TreeSet<Long> purged = new TreeSet<>();

    private byte @Nullable [] image;
    private long imageRevision;
    private boolean fetching;
    private boolean closed;

    MapView(MetaClient meta, Watcher watcher) {
        this.meta = meta;
        this.watcher = watcher;
        meta.listen(this);
    }

    ClusterMap map() {
        return map;
    }

    /// Whether the group has said that the volume was purged.
    boolean purged(long volumeId) {
        return purged.contains(volumeId);
    }

    /// All of it as bytes, made once for all disks of the node. Not to be changed.
    byte[] image() {
        byte[] made = image;
        if (made == null || imageRevision != map.revision()) {
            made = MapImage.encode(map);
            image = made;
            imageRevision = map.revision();
        }
        return made;
    }

    /// Runs `done` once everything is known that was committed before this call.
    void refresh(Runnable done) {
        waiting.add(done);
        if (!fetching) {
            fetch();
        }
    }

    /// Runs `done` once revision `revision` is known: at once where it is.
    void atLeast(long revision, Runnable done) {
        if (map.revision() >= revision) {
            done.run();
        } else {
            refresh(() -> atLeast(revision, done));
        }
    }

    void close() {
        closed = true;
        waiting.clear();
    }

    @Override
    public void onUpdate(MapUpdate update) {
        if (closed) {
            return;
        }
        if (!apply(update) && !fetching) {
            fetch();
        }
    }

    @Override
    public void onYieldAsked(long volumeId, long term) {
        // Volumes are attached by gateways only.
    }

    private void fetch() {
        fetching = true;
        List<Runnable> asked = waiting;
        waiting = new ArrayList<>();
        meta.fetch(map.revision(), update -> fetched(update, asked));
    }

    private void fetched(MapUpdate update, List<Runnable> asked) {
        if (closed) {
            return;
        }
        fetching = false;
        Check.that(apply(update), "a read of the map has a gap", update.after(), map.revision());
        asked.forEach(Runnable::run);
        if (!waiting.isEmpty() && !fetching) {
            fetch();
        }
    }

    private boolean apply(MapUpdate update) {
        if (update.revision() <= map.revision()) {
            return true;
        }
        if (!map.apply(update)) {
            return false;
        }
        purged.addAll(update.purgedVolumes());
        while (purged.size() > Limits.PURGED_MAX) {
            purged.pollFirst();
        }
        watcher.onMap(update);
        return true;
    }
}
