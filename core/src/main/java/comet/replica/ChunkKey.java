package comet.replica;

/// A chunk: volume and index. Used where few chunks are in hand, never per request in health.
record ChunkKey(long volumeId, int chunkIndex) implements Comparable<ChunkKey> {
    @Override
    public int compareTo(ChunkKey other) {
        int order = Long.compare(volumeId, other.volumeId);
        return order != 0 ? order : Integer.compare(chunkIndex, other.chunkIndex);
    }
}
