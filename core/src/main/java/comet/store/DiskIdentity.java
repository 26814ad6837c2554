package comet.store;

import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// What never changes about a disk: the content of its file `disk.json`, which is written last when
/// a disk is made. A folder without it is no disk.
///
/// @param clusterHigh the cluster's id, with `clusterLow`
/// @param uuidHigh this disk's own id, with `uuidLow`: never used for another folder
/// @param diskId its number in the cluster's map
/// @param pgCount the cluster's number of placement groups, a power of two
public record DiskIdentity(
        long clusterHigh, long clusterLow, long uuidHigh, long uuidLow, int diskId, int pgCount) {

    public static final String FILE = "disk.json";

    /// Format of everything in the folder. 0 is the format before the first release: it may change.
    public static final int FORMAT_VERSION = 0;

    /// Outcome of reading: the identity, or what is wrong, for people.
    public record Read(@Nullable DiskIdentity identity, @Nullable String error) {}

    byte[] encode() {
        Map<String, Object> members = new LinkedHashMap<>();
        members.put("format", (long) FORMAT_VERSION);
        members.put("features", "");
        members.put("cluster", hex(clusterHigh, clusterLow));
        members.put("disk", hex(uuidHigh, uuidLow));
        members.put("diskId", (long) diskId);
        members.put("pgCount", (long) pgCount);
        return FlatJson.seal(members);
    }

    static Read decode(byte[] content) {
        Map<String, Object> members = FlatJson.parse(new String(content, StandardCharsets.UTF_8));
        if (members == null) {
            return refused("disk.json is damaged: not a flat JSON object");
        }
        Object format = members.get("format");
        if (!(format instanceof Long version)) {
            return refused("disk.json is damaged: no format number");
        }
        if (version != FORMAT_VERSION) {
            return refused(
                    "the disk has format "
                            + version
                            + ", this program knows format "
                            + FORMAT_VERSION
                            + ": use the program that wrote it");
        }
        if (members.get("features") instanceof String features && !features.isEmpty()) {
            return refused("the disk uses features that this program does not know: " + features);
        }
        if (!FlatJson.intact(content)) {
            return refused("disk.json is damaged: its checksum is wrong");
        }
        if (members.get("cluster") instanceof String cluster
                && isId(cluster)
                && members.get("disk") instanceof String disk
                && isId(disk)
                && members.get("diskId") instanceof Long diskId
                && members.get("pgCount") instanceof Long pgCount
                && Long.bitCount(pgCount) == 1) {
            return new Read(
                    new DiskIdentity(
                            half(cluster, 0),
                            half(cluster, 16),
                            half(disk, 0),
                            half(disk, 16),
                            (int) (long) diskId,
                            (int) (long) pgCount),
                    null);
        }
        return refused("disk.json is damaged: a member is missing or malformed");
    }

    /// What speaks against using this disk where `expected` is wanted, or null.
    @Nullable String differs(DiskIdentity expected) {
        if (clusterHigh != expected.clusterHigh || clusterLow != expected.clusterLow) {
            return "the disk belongs to cluster "
                    + hex(clusterHigh, clusterLow)
                    + ", not to "
                    + hex(expected.clusterHigh, expected.clusterLow);
        }
        if (!equals(expected)) {
            return "this is disk "
                    + diskId
                    + " ("
                    + uuid()
                    + "), not disk "
                    + expected.diskId
                    + " ("
                    + expected.uuid()
                    + ")";
        }
        return null;
    }

    public String uuid() {
        return hex(uuidHigh, uuidLow);
    }

    private static Read refused(String why) {
        return new Read(null, why);
    }

    static String hex(long high, long low) {
        return hex(high) + hex(low);
    }

    static String hex(long value) {
        String digits = Long.toHexString(value);
        return "0".repeat(16 - digits.length()) + digits;
    }

    private static boolean isId(String text) {
        return text.matches("[0-9a-f]{32}");
    }

    private static long half(String id, int from) {
        return Long.parseUnsignedLong(id, from, from + 16, 16);
    }
}
