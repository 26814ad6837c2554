package comet.replica;

import comet.cluster.MapUpdate;

/// Drops the chunks of volumes that no longer exist.
final class Purge {
    Purge(DiskServer disk) {}

    void unknownVolumes() {}

    void onMap(MapUpdate update) {}
}
