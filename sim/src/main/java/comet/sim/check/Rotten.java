package comet.sim.check;

import comet.sim.check.ReplicaImage.Chunk;
import comet.sim.check.ReplicaImage.ChunkId;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/// The other half of G8: a block that was found rotten by a read is repaired from the other
/// replica, and counted. Rot that nobody has met yet may stay, until a scrub has gone past it.
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
    private int everMet;

    /// Some bit was flipped. Where is not known in terms of blocks, so it may lie in one that was
    /// met before and repaired.
    public void happened() {
        happened = true;
        met.clear();
    }

    /// A disk has told a client that this block is corrupt.
    public void met(Place place) {
        met.add(place);
        everMet++;
    }

    /// The disk's process has died, and with it what it meant to repair: a later read meets the rot
    /// again.
    public void diskDied(int diskId) {
        met.removeIf(place -> place.diskId() == diskId);
    }

    public int metCount() {
        return everMet;
    }

    public @Nullable Violation check(SortedMap<Integer, ReplicaImage> disks) {
        return check(disks, false);
    }

    /// After a scrub: nothing at all may be bad.
    public @Nullable Violation checkAll(SortedMap<Integer, ReplicaImage> disks) {
        return check(disks, true);
    }

    private @Nullable Violation check(SortedMap<Integer, ReplicaImage> disks, boolean scrubbed) {
        for (ReplicaImage disk : disks.values()) {
            for (Map.Entry<ChunkId, Chunk> entry : disk.chunks.entrySet()) {
                ChunkId id = entry.getKey();
                Chunk chunk = entry.getValue();
                for (int block = 0; block < chunk.bad.length; block++) {
                    Place place = new Place(disk.diskId, id.volumeId(), id.chunkIndex(), block);
                    boolean known = scrubbed || !happened || met.contains(place);
                    if (chunk.bad[block] && known) {
                        return new Violation(
                                "G8",
                                place
                                        + " does not fit its checksum, "
                                        + (scrubbed
                                                ? "and was not put right by a scrub"
                                                : happened
                                                        ? "was found by a read and not repaired"
                                                        : "and nothing has rotted"));
                    }
                }
            }
        }
        return null;
    }
}
