package comet.cluster;

/// What never changes about a cluster.
///
/// @param pgCount a power of two
/// @param replicas copies of every chunk, 1 to 3, each in another domain
public record ClusterInfo(long clusterHigh, long clusterLow, int pgCount, int replicas) {}
