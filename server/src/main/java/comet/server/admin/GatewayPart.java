package comet.server.admin;

import comet.cluster.VolumeInfo;
import java.util.List;

/// The gateway that this process can speak to directly: its own, or the one that it has started.
public interface GatewayPart {
    /// A volume that the gateway has open.
    ///
    /// @param waitsFor what its oldest request waits for; empty where nothing waits long
    /// @param throttledMs how long requests have waited for the volume's limits since the gateway
    ///   started, all together as one
    /// @param throttledRequests requests that have
    record VolumeState(
            long volumeId,
            String name,
            String state,
            String waitsFor,
            int clients,
            boolean pinned,
            long unsyncedBytes,
            long throttledMs,
            long throttledRequests) {}

    String name();

    List<VolumeState> volumes();

    /// Attaches and keeps attached.
    ///
    /// @return the term
    long attach(VolumeInfo volume, boolean takeover);

    /// Flushes and detaches.
    void detach(VolumeInfo volume);

    /// How clients reach a volume.
    List<String> uris(String volume);
}
