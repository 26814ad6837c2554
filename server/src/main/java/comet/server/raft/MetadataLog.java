package comet.server.raft;

import comet.cluster.GroupMember;
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

    /// A uuid, the same on all members and for ever.
    String groupId();

    /// A uuid of the folder that holds this member's log.
    String folderId();

    /// Who belongs to the group, as far as this member knows; nobody where it waits to be taken in.
    List<GroupMember> members();

    /// The same with what the leader knows of each.
    List<MemberSeen> membersSeen();

    /// For how long a member, or one that is being added, has not answered its leader; 0 where this
    /// one does not lead or does not know it.
    long silentMs(String name);

    /// Changes the members, on the leader, from `current` to `next`: one more, one less, or one in
    /// another's place. A new member gets everything first and has a voice then. Fails where it
    /// does not answer for seconds, where others are the members now, or where another change is
    /// under way; then nothing has changed, unless this member stops to lead meanwhile.
    CompletableFuture<Void> changeMembers(List<GroupMember> current, List<GroupMember> next);

    /// Lets another member lead, on the leader. Fails where that one is not ready to.
    CompletableFuture<Void> handOver(String to);

    /// Stops to lead, without another that does: what is under way ends without an outcome.
    void stepDown();

    /// The members with their folders as the group has agreed on them last, as applied here; empty
    /// before it did.
    List<GroupMember> agreedMembers();

    /// Names that members had, as applied here.
    List<String> formerMembers();

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
        ///
        /// @param removed this member is none any more
        void onStopped(boolean removed);
    }
}
