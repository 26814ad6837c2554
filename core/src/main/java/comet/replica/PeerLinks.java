package comet.replica;

/// Connections of one disk to other disks, on the PEER lane.
final class PeerLinks {
    PeerLinks(NodeParts parts, MapView view, DiskIdentity identity) {}

    void tick() {}

    void close() {}
}
