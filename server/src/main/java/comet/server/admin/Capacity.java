package comet.server.admin;

import comet.server.raft.DiskUse;
import java.util.Collection;
import java.util.Map;
import java.util.TreeMap;

/// What disks can hold together. Each says what it uses and what is free in its file system, so the
/// latter counts once where several share one.
final class Capacity {
    private Capacity() {}

    static long bytes(Collection<DiskUse> disks) {
        long bytes = 0;
        Map<String, Long> free = new TreeMap<>();
        for (DiskUse disk : disks) {
            long ofDisk = disk.capacityBytes() - disk.usedBytes();
            bytes += disk.usedBytes();
            if (disk.fileSystem().isEmpty()) {
                bytes += ofDisk;
            } else {
                free.merge(disk.fileSystem(), ofDisk, Math::max);
            }
        }
        return bytes + free.values().stream().mapToLong(Long::longValue).sum();
    }

    /// Disks that are not alone in their file system.
    static int sharing(Collection<DiskUse> disks) {
        Map<String, Integer> count = new TreeMap<>();
        disks.forEach(disk -> count.merge(disk.fileSystem(), 1, Integer::sum));
        count.remove("");
        return count.values().stream().filter(n -> n > 1).mapToInt(Integer::intValue).sum();
    }
}
