package comet.server.raft;

import comet.cluster.MapUpdate;
import comet.meta.Decision;
import comet.meta.Facts;
import comet.meta.GroupEvent;
import comet.meta.Submission;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/// The replicated log of the metadata group with the state machine upon it. Whoever implements it
/// keeps: entries are applied on every member in one order; an answer means that a majority has the
/// entry on disk.
///
/// Results come on threads of the log, and must not block them.
public interface MetadataLog extends AutoCloseable {
    /// Puts a batch into one entry. Ends with one decision per submission once it is committed and
    /// applied here, or with [NotLeaderException].
    CompletableFuture<List<Decision>> append(List<Submission> submissions, Facts facts);

    /// A linearizable read, on the leader: what changed after `revision`, with everything that was
    /// committed before the call. Ends with [NotLeaderException] elsewhere.
    CompletableFuture<MapUpdate> changesAfter(long revision);

    /// What this member has applied of what changed after `revision`.
    MapUpdate localChangesAfter(long revision);

    /// What this member has applied of what people are told, after event `after`.
    List<GroupEvent> localEventsAfter(long after);

    Leadership leadership();

    /// Writes a snapshot now, if anything was applied since the last one.
    void snapshot() throws IOException;

    @Override
    void close() throws IOException;

    /// @param leader the name of the leading member, or null where none is known
    /// @param self whether that is this one, and it is ready to decide
    /// @param term counts leaderships
    record Leadership(@Nullable String leader, boolean self, long term) {}

    /// What the log tells, on its own threads, in order.
    interface Listener {
        /// An entry was applied that changed the map, or a snapshot was loaded (an update from
        /// revision 0).
        void onUpdate(MapUpdate update);

        /// This member leads from now on, in that term.
        void onLead(long term);

        /// Another member leads, or none.
        void onFollow();

        /// The log has ended: closed, or broken (which was logged).
        void onStopped();
    }
}
