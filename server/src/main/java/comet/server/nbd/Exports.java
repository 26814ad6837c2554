package comet.server.nbd;

import comet.volume.BlockDevice;
import java.util.List;

/// What the NBD server serves, as one of its loops knows it. Owner thread: that loop; answers come
/// on it, within the call or later, exactly once.
public interface Exports {
    /// What a client may know without attaching anything.
    ///
    /// @param name the canonical name
    /// @param description for people; may be empty
    record Export(String name, String description, long sizeBytes, boolean readOnly) {}

    /// Why an export is not given.
    enum Refusal {
        /// There is none of this name.
        UNKNOWN,
        /// There is, but not for this client, or not here.
        POLICY,
        /// Everything is being stopped.
        SHUTDOWN
    }

    /// @see #list
    interface Listed {
        void listed(List<Export> exports);
    }

    /// @see #find
    interface Found {
        void found(Export export);

        void refused(Refusal why, String text);
    }

    /// @see #open
    interface Opened {
        /// The device is the caller's until [Exports#close].
        void opened(Export export, BlockDevice device);

        /// There is such an export, but another loop of the server serves it: it is to be opened
        /// there.
        ///
        /// @param place the number of that loop, see [NbdServer.Place]
        void elsewhere(int place);

        void refused(Refusal why, String text);
    }

    /// All exports, in an order that people like. Attaches nothing.
    void list(Listed listed);

    /// One export; the empty name asks for a default one. Attaches nothing.
    void find(String name, Found found);

    /// Opens an export for one connection. The same export may be open many times.
    void open(String name, Opened opened);

    /// Gives a device back, when the connection has ended and nothing of it is in flight.
    void close(BlockDevice device);
}
