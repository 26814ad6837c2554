package comet.sim.check;

import comet.sim.check.ReplicaImage.Chunk;
import comet.sim.check.ReplicaImage.ChunkId;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/// The other half of G8: a block that was found rotten by a read is repaired from the other
/// replica, and counted. Rot that nobody has met yet may stay.
public final class Rotten {
    /// A block of one disk.
    public record Place(int diskId, long volumeId, int chunkIndex, int block)
            implements Comparable<Place> {
        @Override
        public int compareTo(Place other) {
            int byDisk = Integer.compare(diskId, other.diskId);
            int byVolume = Long.compare(volumeId, other.volumeId);
            int byChunk = Integer.compare(chunkIndex, other.chunkIndex);
            return byDisk != 0
                    ? byDisk
                    : byVolume != 0
                            ? byVolume
                            : byChunk != 0 ? byChunk : Integer.compare(block, other.block);
        }
    }

    private boolean happened;
    private final TreeSet<Place> met = new TreeSet<>();

    /// Some bit was flipped.
    public void happened() {
        happened = true;
    }

    /// A disk has told a client that this block is corrupt.
    public void met(Place place) {
        met.add(place);
    }

    public int metCount() {
        return met.size();
    }

    public @Nullable Violation check(SortedMap<Integer, ReplicaImage> disks) {
        for (ReplicaImage disk : disks.values()) {
            for (Map.Entry<ChunkId, Chunk> entry : disk.chunks.entrySet()) {
                ChunkId id = entry.getKey();
                Chunk chunk = entry.getValue();
                for (int block = 0; block < chunk.bad.length; block++) {
                    Place place = new Place(disk.diskId, id.volumeId(), id.chunkIndex(), block);
                    if (chunk.bad[block] && (!happened || met.contains(place))) {
                        return new Violation(
                                "G8",
                                place
                                        + " does not fit its checksum, "
                                        + (happened
                                                ? "was found by a read and not repaired"
                                                : "and nothing has rotted"));
                    }
                }
            }
        }
        return null;
    }
}
