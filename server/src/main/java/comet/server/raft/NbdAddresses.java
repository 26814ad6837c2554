package comet.server.raft;

import comet.meta.Limits;
import java.util.List;
import java.util.TreeMap;

/// Where gateways serve volumes over NBD, as they say with their heartbeats: URIs with [#VOLUME] in
/// the place of a volume's name. Bounded, whatever processes send. Not for several threads.
public final class NbdAddresses {
    public static final String VOLUME = "{volume}";

    private static final int URIS_MAX = 8;
    private static final int CHARS_MAX = 512;

    private final TreeMap<Long, List<String>> byGateway = new TreeMap<>();

    void said(long gatewayId, List<String> uris) {
        boolean room = byGateway.size() < Limits.GATEWAYS_MAX || byGateway.containsKey(gatewayId);
        if (gatewayId != 0 && !uris.isEmpty() && room) {
            byGateway.put(
                    gatewayId,
                    uris.stream().filter(u -> u.length() <= CHARS_MAX).limit(URIS_MAX).toList());
        }
    }

    List<String> of(long gatewayId) {
        return byGateway.getOrDefault(gatewayId, List.of());
    }

    void clear() {
        byGateway.clear();
    }
}
