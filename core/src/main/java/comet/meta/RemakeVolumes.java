package comet.meta;

import comet.base.Sizes;
import comet.cluster.DiskFacts;
import comet.cluster.Incarnation;
import comet.cluster.MapUpdate;
import comet.cluster.VolumeInfo;
import comet.cluster.VolumeInfo.Attachment;
import comet.cluster.VolumeInfo.Durability;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/// The catalogue of a group that is made anew, see [Remake].
///
/// Whoever writes a volume has left a fence and chunks at its disks. So the disks tell of volumes
/// that were created, attached, grown or purged after the newest copy was made. An id below the
/// highest of the copy that it does not have was purged before; a higher one was created later.
/// That holds for ids of the copy's own incarnation: in one that was made anew before, a volume may
/// be missing of which only disks know that were not looked at then.
///
/// For the same reason the new catalogue names the ids that are known to be purged: what it neither
/// has nor names, disks keep.
final class RemakeVolumes {
    private final MapUpdate base;
    private final List<DiskFacts> disks;
    private final long incarnation;
    private final TreeMap<Long, Long> terms = new TreeMap<>();
    private final TreeMap<Long, DiskFacts.Opened> opened = new TreeMap<>();
    private final TreeMap<Long, Integer> lastChunks = new TreeMap<>();
    private final TreeSet<Long> purged = new TreeSet<>();
    private final List<VolumeInfo> volumes = new ArrayList<>();
    private final List<Long> found = new ArrayList<>();
    private final List<String> remarks = new ArrayList<>();

    RemakeVolumes(MapUpdate base, List<DiskFacts> disks, long incarnation) {
        this.base = base;
        this.disks = disks;
        this.incarnation = incarnation;
    }

    List<VolumeInfo> volumes() {
        return volumes;
    }

    /// Those that no copy knows, and of which there are chunks.
    List<Long> found() {
        return found;
    }

    TreeSet<Long> purged() {
        return purged;
    }

    List<String> remarks() {
        return remarks;
    }

    long nextId() {
        return Incarnation.first(incarnation, 0);
    }

    void make() {
        for (DiskFacts disk : disks) {
            for (DiskFacts.Fence fence : disk.fences()) {
                if (Remake.isPurged(fence.term())) {
                    purged.add(fence.volumeId());
                } else {
                    terms.merge(fence.volumeId(), fence.term(), Math::max);
                }
            }
            for (DiskFacts.Opened last : disk.opened()) {
                opened.merge(last.volumeId(), last, (a, b) -> b.term() > a.term() ? b : a);
            }
            for (DiskFacts.Seen seen : disk.volumes()) {
                lastChunks.merge(seen.volumeId(), seen.lastChunk(), Math::max);
            }
        }
        TreeMap<Long, VolumeInfo> known = new TreeMap<>();
        TreeSet<String> names = new TreeSet<>();
        for (VolumeInfo volume : base.volumes()) {
            known.put(volume.volumeId(), volume);
            names.add(volume.name());
        }
        long youngest = known.isEmpty() ? 0 : known.lastKey();
        for (VolumeInfo volume : known.values()) {
            if (purged.contains(volume.volumeId())) {
                remarks.add("volume " + volume.name() + " was purged after the copy was made");
            } else {
                volumes.add(known(volume));
            }
        }
        purgedBefore(known, youngest);
        TreeSet<Long> seen = new TreeSet<>(lastChunks.keySet());
        seen.addAll(opened.keySet());
        for (long volumeId : seen) {
            boolean gone = purged.contains(volumeId) || known.containsKey(volumeId);
            boolean ended =
                    volumeId < youngest
                            && Incarnation.of(volumeId) == Incarnation.of(base.revision());
            if (!gone && !ended) {
                volumes.add(unknown(volumeId, names));
            }
        }
    }

    /// The gaps that are sure, the youngest first, as many as a group remembers.
    private void purgedBefore(TreeMap<Long, VolumeInfo> known, long youngest) {
        long first = Incarnation.first(Incarnation.of(base.revision()), 0);
        for (long id = youngest; id >= first && purged.size() < Limits.PURGED_MAX; id--) {
            if (!known.containsKey(id)) {
                purged.add(id);
            }
        }
    }

    private VolumeInfo known(VolumeInfo volume) {
        long seen = terms.getOrDefault(volume.volumeId(), 0L);
        Attachment held = held(volume.volumeId(), volume.attachment());
        DiskFacts.Opened last = opened.get(volume.volumeId());
        long bytes = bytesBeyond(volume.volumeId(), volume.sizeBytes());
        if (bytes > 0) {
            remarks.add("volume " + volume.name() + " has grown after the copy was made");
        }
        return new VolumeInfo(
                volume.volumeId(),
                volume.name(),
                Math.max(Math.max(volume.sizeBytes(), bytes), last == null ? 0 : last.sizeBytes()),
                volume.durability(),
                volume.snapshotSequence(),
                term(Math.max(volume.lastTerm(), seen)),
                held,
                false,
                volume.createdAtMs(),
                volume.deletedAtMs(),
                volume.limits());
    }

    /// Who may write the volume: whom the copy names, or who has opened it with a later term.
    private @Nullable Attachment held(long volumeId, @Nullable Attachment inCopy) {
        long seen = terms.getOrDefault(volumeId, 0L);
        DiskFacts.Opened last = opened.get(volumeId);
        if (inCopy != null && seen <= inCopy.term()) {
            return inCopy;
        }
        VolumeInfo volume = null;
        for (VolumeInfo one : base.volumes()) {
            volume = one.volumeId() == volumeId ? one : volume;
        }
        if (last != null && last.term() == seen && (volume == null || seen > volume.lastTerm())) {
            return new Attachment(last.gatewayId(), seen, 0);
        }
        if (inCopy != null) {
            remarks.add("volume " + volumeId + " was attached anew after the copy was made");
        }
        return null;
    }

    /// What lies there must not be lost, whoever it is.
    private VolumeInfo unknown(long volumeId, TreeSet<String> names) {
        found.add(volumeId);
        DiskFacts.Opened last = opened.get(volumeId);
        if (last == null || last.name().isEmpty()) {
            String name = free("recovered-" + volumeId, names);
            remarks.add(
                    created(volumeId)
                            + ": its name and size are not known, it is now called "
                            + name);
            return found(volumeId, name, 0, Durability.WRITE, 0);
        }
        String name = free(last.name(), names);
        remarks.add(created(volumeId) + ": it is called " + name);
        return found(volumeId, name, last.sizeBytes(), last.durability(), last.createdAtMs());
    }

    private static String created(long volumeId) {
        return "volume " + volumeId + " was created after the copy was made";
    }

    private static String free(String wanted, TreeSet<String> names) {
        String name = wanted;
        for (int n = 2; !names.add(name); n++) {
            name = wanted + "-" + n;
        }
        return name;
    }

    private VolumeInfo found(
            long volumeId, String name, long sizeBytes, Durability durability, long createdAtMs) {
        return new VolumeInfo(
                volumeId,
                name,
                Math.max(sizeBytes, bytesBeyond(volumeId, sizeBytes)),
                durability,
                1,
                term(terms.getOrDefault(volumeId, 0L)),
                held(volumeId, null),
                false,
                createdAtMs,
                0);
    }

    /// Bytes up to the end of the last chunk that lies somewhere, where that lies beyond the size.
    private long bytesBeyond(long volumeId, long sizeBytes) {
        // The last chunk of a volume need not be a whole one.
        long chunks = (sizeBytes + Sizes.CHUNK_BYTES - 1) / Sizes.CHUNK_BYTES;
        return chunks(volumeId) > chunks ? chunks(volumeId) * Sizes.CHUNK_BYTES : 0;
    }

    private long chunks(long volumeId) {
        return lastChunks.getOrDefault(volumeId, -1) + 1L;
    }

    private static long term(long highest) {
        return Math.min(highest + Remake.TERM_GAP, Limits.TERM_MAX);
    }
}
