package comet.server.raft;

import comet.cluster.GroupMember;
import comet.cluster.MapUpdate;
import comet.cluster.Reply;
import comet.meta.Decision;
import comet.meta.Group;
import comet.meta.GroupEvent;
import comet.meta.GroupImage;
import comet.meta.Liveness;
import comet.meta.Submission;
import comet.server.json.Json;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.ratis.io.MD5Hash;
import org.apache.ratis.proto.RaftProtos.LogEntryProto;
import org.apache.ratis.proto.RaftProtos.RoleInfoProto;
import org.apache.ratis.protocol.ClientId;
import org.apache.ratis.protocol.Message;
import org.apache.ratis.protocol.RaftClientRequest;
import org.apache.ratis.protocol.RaftGroupId;
import org.apache.ratis.protocol.RaftGroupMemberId;
import org.apache.ratis.protocol.RaftPeerId;
import org.apache.ratis.server.RaftServer;
import org.apache.ratis.server.protocol.TermIndex;
import org.apache.ratis.server.storage.FileInfo;
import org.apache.ratis.server.storage.RaftStorage;
import org.apache.ratis.statemachine.StateMachineStorage;
import org.apache.ratis.statemachine.TransactionContext;
import org.apache.ratis.statemachine.impl.BaseStateMachine;
import org.apache.ratis.statemachine.impl.SimpleStateMachineStorage;
import org.apache.ratis.statemachine.impl.SingleFileSnapshotInfo;
import org.apache.ratis.util.LifeCycle;
import org.apache.ratis.util.MD5FileUtil;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The group's state machine as the log library sees it. Entries are applied one by one on one
/// thread of the library; `this` guards the group, since reads come from others.
final class GroupMachine extends BaseStateMachine {
    private static final Logger LOG = LoggerFactory.getLogger(GroupMachine.class);

    private final Json json;
    private final ClientId maker;
    private final long makerId;
    private final MetadataLog.Listener listener;
    private final Path first;
    private final SimpleStateMachineStorage storage = new SimpleStateMachineStorage();
    private final Group group = new Group();

    /// Batches of this process that are not applied yet.
    private final ConcurrentHashMap<Long, CompletableFuture<List<Decision>>> pending =
            new ConcurrentHashMap<>();

    /// @param maker the only client whose requests are taken: this process itself
    /// @param first what a group that was made anew begins with, see [FirstState]; may be missing
    GroupMachine(
            Json json, ClientId maker, long makerId, MetadataLog.Listener listener, Path first) {
        this.json = json;
        this.maker = maker;
        this.makerId = makerId;
        this.listener = listener;
        this.first = first;
    }

    CompletableFuture<List<Decision>> expect(long batch) {
        CompletableFuture<List<Decision>> applied = new CompletableFuture<>();
        pending.put(batch, applied);
        return applied;
    }

    void forget(long batch) {
        pending.remove(batch);
    }

    synchronized MapUpdate changesAfter(long revision) {
        return group.changesAfter(revision);
    }

    synchronized List<GroupEvent> eventsAfter(long after) {
        return group.eventsAfter(after);
    }

    synchronized List<GroupMember> members() {
        return group.members();
    }

    synchronized List<String> formerMembers() {
        return group.formerMembers();
    }

    @Override
    public void initialize(RaftServer server, RaftGroupId groupId, RaftStorage raftStorage)
            throws IOException {
        super.initialize(server, groupId, raftStorage);
        getLifeCycle()
                .startAndTransition(
                        () -> {
                            storage.init(raftStorage);
                            begin();
                            load(storage.loadLatestSnapshot());
                            tell(changesAfter(0));
                        },
                        IOException.class);
    }

    /// The first state becomes the snapshot of an entry before all others; so the log begins behind
    /// it, and a member that joins later is sent it.
    private void begin() throws IOException {
        if (!Files.exists(first) || storage.loadLatestSnapshot() != null) {
            return;
        }
        GroupImage image = SnapshotFile.read(first, json);
        File file = storage.getSnapshotFile(0, 0);
        SnapshotFile.write(file.toPath(), image, json);
        MD5FileUtil.computeAndSaveMd5ForFile(file);
        LOG.info(
                "metadata group begins with what was recovered revision={}",
                image.everything().revision());
    }

    /// The log stops feeding while a snapshot of the leader's is put in place.
    @Override
    public void pause() {
        getLifeCycle().transition(LifeCycle.State.PAUSING);
        getLifeCycle().transition(LifeCycle.State.PAUSED);
    }

    @Override
    public void reinitialize() throws IOException {
        load(storage.loadLatestSnapshot());
        if (getLifeCycleState() == LifeCycle.State.PAUSED) {
            getLifeCycle().transition(LifeCycle.State.STARTING);
            getLifeCycle().transition(LifeCycle.State.RUNNING);
        }
        tell(changesAfter(0));
    }

    /// What a listener throws must not stop the log.
    private void tell(MapUpdate update) {
        try {
            listener.onUpdate(update);
        } catch (RuntimeException e) {
            LOG.error("metadata listener failed revision={}", update.revision(), e);
        }
    }

    @Override
    public StateMachineStorage getStateMachineStorage() {
        return storage;
    }

    private synchronized void load(@Nullable SingleFileSnapshotInfo snapshot) throws IOException {
        if (snapshot == null) {
            return;
        }
        File file = snapshot.getFile().getPath().toFile();
        MD5Hash sum = MD5FileUtil.readStoredMd5ForFile(file);
        if (sum != null) {
            MD5FileUtil.verifySavedMD5(file, sum);
        }
        group.restore(SnapshotFile.read(file.toPath(), json));
        setLastAppliedTermIndex(snapshot.getTermIndex());
        LOG.info(
                "metadata snapshot loaded index={} revision={}",
                snapshot.getIndex(),
                group.revision());
    }

    /// Called between two entries.
    @Override
    public long takeSnapshot() throws IOException {
        TermIndex at;
        GroupImage image;
        synchronized (this) {
            at = getLastAppliedTermIndex();
            image = group.image();
        }
        if (at == null || at.getIndex() < 0) {
            return -1;
        }
        File file = storage.getSnapshotFile(at.getTerm(), at.getIndex());
        SnapshotFile.write(file.toPath(), image, json);
        MD5Hash sum = MD5FileUtil.computeAndSaveMd5ForFile(file);
        storage.updateLatestSnapshot(
                new SingleFileSnapshotInfo(new FileInfo(file.toPath(), sum), at));
        return at.getIndex();
    }

    /// On the leader, before an entry enters the log: nobody but this process may make one.
    @Override
    public TransactionContext startTransaction(RaftClientRequest request) throws IOException {
        if (!request.getClientId().equals(maker)) {
            throw new IOException("entries are made by members of the group only");
        }
        return super.startTransaction(request);
    }

    @Override
    public CompletableFuture<Message> applyTransaction(TransactionContext transaction) {
        LogEntryProto logEntry = transaction.getLogEntry();
        if (logEntry == null) {
            throw new IllegalStateException("a transaction without its entry");
        }
        byte[] data = logEntry.getStateMachineLogEntry().getLogData().toByteArray();
        Entry entry;
        try {
            entry = json.read(data, Entry.class);
        } catch (Json.MalformedException e) {
            // Members that skip an entry which others understand would no longer agree.
            throw new IllegalStateException("entry " + logEntry.getIndex() + " is unreadable", e);
        }
        List<Decision> decisions;
        MapUpdate update;
        synchronized (this) {
            decisions = decide(entry.submissions(), entry.facts());
            update = group.endEntry();
            updateLastAppliedTermIndex(logEntry.getTerm(), logEntry.getIndex());
        }
        if (update != null) {
            tell(update);
        }
        if (entry.maker() == makerId) {
            CompletableFuture<List<Decision>> asker = pending.remove(entry.batch());
            if (asker != null) {
                asker.complete(decisions);
            }
        }
        return CompletableFuture.completedFuture(Message.EMPTY);
    }

    private List<Decision> decide(List<Submission> submissions, Liveness liveness) {
        ArrayList<Decision> decisions = new ArrayList<>(submissions.size());
        for (Submission submission : submissions) {
            Decision decision;
            try {
                decision = group.decide(submission, liveness);
            } catch (RuntimeException e) {
                // A bug in the rules. Deciding changes nothing and fails alike on all members, so
                // the group survives what would else stop all of them.
                LOG.error("metadata command failed command={}", submission.command(), e);
                Reply reply =
                        new Reply.Refused(
                                group.revision(), "internal", "the metadata group failed on it");
                decision = new Decision(List.of(), reply, null);
            }
            decision.records().forEach(group::replay);
            decisions.add(decision);
        }
        return decisions;
    }

    @Override
    public CompletableFuture<Message> query(Message request) {
        return CompletableFuture.completedFuture(Message.EMPTY);
    }

    @Override
    public void notifyLeaderChanged(RaftGroupMemberId member, RaftPeerId leader) {
        if (!member.getPeerId().equals(leader)) {
            listener.onFollow();
        }
    }

    @Override
    public void notifyLogFailed(Throwable cause, @Nullable LogEntryProto failed) {
        LOG.error("metadata log failed, it is started again", cause);
        listener.onStopped(false);
    }

    @Override
    public void notifyServerShutdown(RoleInfoProto role, boolean all) {
        // Of the group alone, not of the server: the leader has answered that this is no member.
        listener.onStopped(!all);
    }

    @Override
    public void notifyLeaderReady() {
        try {
            RaftServer server = getServer().join();
            listener.onLead(server.getDivision(getGroupId()).getInfo().getCurrentTerm());
        } catch (IOException e) {
            LOG.error("metadata group has no division here", e);
        }
    }
}
