package comet.volume;

/// A cluster of two disks, a gateway, and a volume that is open there.
abstract class VolumeRig {
    final TestCluster cluster = new TestCluster(4);
    final TestCluster.Node node = cluster.new Node(9);
    final BlockDevice device = node.open("vol");

    /// One block of data.
    final byte[] bytes = cluster.pattern(4096, 5);

    /// The volume's chunk, as the disks know it.
    static FakeDisk.Key chunk(int index) {
        return new FakeDisk.Key(5, index);
    }
}
