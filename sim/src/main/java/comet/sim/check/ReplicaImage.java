package comet.sim.check;

import java.util.TreeMap;

/// Everything that one disk holds, as it says itself when it is asked to read it all.
public final class ReplicaImage {
    /// Names a chunk; ordered.
    public record ChunkId(long volumeId, int chunkIndex) implements Comparable<ChunkId> {
        @Override
        public int compareTo(ChunkId other) {
            int byVolume = Long.compare(volumeId, other.volumeId);
            return byVolume != 0 ? byVolume : Integer.compare(chunkIndex, other.chunkIndex);
        }
    }

    /// One chunk: its version and, per block, state, version and checksum. A block whose bytes do
    /// not fit its checksum is `bad`.
    public static final class Chunk {
        public final int pg;
        public final long version;
        public final int[] states = new int[1024];
        public final long[] versions = new long[1024];
        public final int[] crcs = new int[1024];
        public final boolean[] bad = new boolean[1024];

        public Chunk(int pg, long version) {
            this.pg = pg;
            this.version = version;
        }
    }

    public final int diskId;

    /// The revision of the map that it keeps a copy of, -1 for none; and of the one that its node
    /// knows.
    public long mapRevision = -1;

    public long knownRevision;

    public final TreeMap<ChunkId, Chunk> chunks = new TreeMap<>();

    public ReplicaImage(int diskId) {
        this.diskId = diskId;
    }
}
