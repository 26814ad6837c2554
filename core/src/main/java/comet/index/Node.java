package comet.index;

/// A page of the tree in memory; never changed once it is in the tree.
abstract sealed class Node permits Leaf, Branch {
    final int level;
    final int page;
    final int crc;

    Node(int level, int page, int crc) {
        this.level = level;
        this.page = page;
        this.crc = crc;
    }
}
