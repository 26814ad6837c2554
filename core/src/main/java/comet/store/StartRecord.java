package comet.store;

import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// The few facts about a disk's lives that change rarely: the file `start.json`.
///
/// @param startCount starts so far; counted up durably at each open
/// @param bootId the life that the metadata group knows, 0 before the first one
/// @param clean whether the last stop left everything in its place
/// @param damaged whether durable journal records were found damaged, and nobody has said yet that
///   this was dealt with
record StartRecord(long startCount, long bootId, boolean clean, boolean damaged) {
    static final String FILE = "start.json";

    byte[] encode() {
        Map<String, Object> members = new LinkedHashMap<>();
        members.put("startCount", startCount);
        members.put("bootId", DiskIdentity.hex(bootId));
        members.put("clean", clean);
        members.put("damaged", damaged);
        return FlatJson.seal(members);
    }

    /// Null where the content is damaged.
    static @Nullable StartRecord decode(byte[] content) {
        Map<String, Object> members = FlatJson.parse(new String(content, StandardCharsets.UTF_8));
        if (members != null
                && FlatJson.intact(content)
                && members.get("startCount") instanceof Long startCount
                && members.get("bootId") instanceof String bootId
                && bootId.matches("[0-9a-f]{16}")
                && members.get("clean") instanceof Boolean clean
                && members.get("damaged") instanceof Boolean damaged) {
            return new StartRecord(startCount, Long.parseUnsignedLong(bootId, 16), clean, damaged);
        }
        return null;
    }
}
