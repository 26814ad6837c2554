package comet.server.raft;

import comet.cluster.GroupMember;
import comet.cluster.Reply;
import comet.meta.Submission;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Who belongs to the group of a member, and whether the member itself still does. For any thread.
public final class Membership implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Membership.class);

    /// One that is being added is outside for a moment.
    private static final int OUTSIDE_LOOKS = 12;

    /// More than a new leader needs to hear of everybody.
    private static final long SILENT_MS = 5000;

    private final String self;
    private final MetadataLog log;
    private final BooleanSupplier leads;
    private final BooleanSupplier clusterExists;
    private final MemberChanges changes;

    /// Of members and nobody else, as their processes say it, by name; since this one leads.
    /// Guarded by itself.
    private final TreeMap<String, String> folders = new TreeMap<>();

    private final AtomicBoolean agreeing = new AtomicBoolean();
    private volatile boolean removed;
    private volatile boolean stopped;

    /// Owner thread: the one that looks.
    private int looksOutside;

    Membership(
            String self,
            MetadataLog log,
            BooleanSupplier leads,
            BooleanSupplier clusterExists,
            Function<Submission, CompletableFuture<Reply>> submit) {
        this.self = self;
        this.log = log;
        this.leads = leads;
        this.clusterExists = clusterExists;
        changes = new MemberChanges(self, log, new Leader(submit));
    }

    /// With folders, as far as this member knows.
    List<GroupMember> known() {
        return changes.known();
    }

    /// Names of those that have not answered this member, as their leader, for seconds.
    List<String> silent() {
        if (!leads.getAsBoolean()) {
            return List.of();
        }
        return log.membersSeen().stream()
                .filter(one -> one.agoMs() > SILENT_MS)
                .map(one -> one.member().name())
                .toList();
    }

    /// As the leader knows it, with everything that was committed before the call; ends with
    /// [NotLeaderException] where this member does not lead.
    public CompletableFuture<MetaMembers> list() {
        return changes.list();
    }

    /// Adds a member, removes one, or puts one in the other's place. Ends with [Reply.Done] or
    /// [Reply.Refused], or with [NotLeaderException], also where this member is to go: then the
    /// next leader is to be asked the same.
    ///
    /// @param add one or none, which waits for it in its process
    /// @param remove the name of one or none
    public CompletableFuture<Reply> change(List<GroupMember> add, List<String> remove) {
        return changes.change(new MemberChanges.Change(add, remove));
    }

    /// Whether the group has said that this is no member of it: it does nothing any more.
    public boolean isRemoved() {
        return removed;
    }

    /// A member's process says which folder is that member's. Counts only where this one leads.
    public void reportFolder(String name, String folder) {
        if (!leads.getAsBoolean() || !clusterExists.getAsBoolean()) {
            return;
        }
        // Whoever is no member yet says it again once it is one.
        List<String> members = log.members().stream().map(GroupMember::name).toList();
        if (!members.contains(name)) {
            return;
        }
        synchronized (folders) {
            folders.put(name, folder);
            folders.keySet().retainAll(members);
        }
        boolean agreed =
                log.agreedMembers().stream()
                        .anyMatch(one -> one.name().equals(name) && !one.folder().isEmpty());
        if (!agreed && agreeing.compareAndSet(false, true)) {
            var _ = changes.tidy().whenComplete((_, _) -> agreeing.set(false));
        }
    }

    Map<String, String> folders() {
        synchronized (folders) {
            return new TreeMap<>(folders);
        }
    }

    void onLead() {
        synchronized (folders) {
            folders.clear();
        }
    }

    void onStopped(boolean byTheGroup) {
        stopped = true;
        if (byTheGroup) {
            setRemoved();
        }
    }

    /// To be called four times a second: a member that was removed while it was away may never be
    /// told so, but sees it in what it has of the log.
    void look() {
        List<GroupMember> members = log.members();
        boolean inside = members.stream().anyMatch(one -> one.name().equals(self));
        looksOutside = members.isEmpty() || inside ? 0 : looksOutside + 1;
        if (looksOutside == OUTSIDE_LOOKS) {
            setRemoved();
        } else if (inside && !stopped) {
            removed = false;
        }
    }

    private void setRemoved() {
        if (!removed) {
            removed = true;
            LOG.warn(
                    "event=member-removed name={} why=\"the metadata group has no such member (any more): this one does nothing; take it out of the config\"",
                    self);
        }
    }

    @Override
    public void close() {
        changes.close();
    }

    private final class Leader implements MemberChanges.Leader {
        private final Function<Submission, CompletableFuture<Reply>> submit;

        Leader(Function<Submission, CompletableFuture<Reply>> submit) {
            this.submit = submit;
        }

        @Override
        public boolean leads() {
            return leads.getAsBoolean();
        }

        @Override
        public Map<String, String> folders() {
            return Membership.this.folders();
        }

        @Override
        public CompletableFuture<Reply> submit(Submission submission) {
            return submit.apply(submission);
        }
    }
}
