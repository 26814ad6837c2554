package comet.replica;

import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// The openings of one connection whose chunks may still be listed, by the request id of their
/// OPEN.
final class Opens {
    /// @param pgs the placement groups that were opened here
    /// @param epochs one for each, in the order of `pgs`
    record Open(long volumeId, long term, BitSet pgs, long[] epochs) {}

    private final LinkedHashMap<Long, Open> opens = new LinkedHashMap<>();

    void put(long openId, Open open) {
        opens.remove(openId);
        if (opens.size() == Limits.OPENS_MAX) {
            Map.Entry<Long, Open> eldest = opens.pollFirstEntry();
            assert eldest != null;
        }
        opens.put(openId, open);
    }

    @Nullable Open get(long openId) {
        return opens.get(openId);
    }

    void remove(long openId) {
        opens.remove(openId);
    }
}
