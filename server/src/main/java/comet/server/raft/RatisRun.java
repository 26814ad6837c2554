package comet.server.raft;

import comet.cluster.MapUpdate;
import comet.io.file.SmallFile;
import comet.meta.Decision;
import comet.meta.Facts;
import comet.meta.Submission;
import comet.server.json.Json;
import java.io.IOException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.ratis.conf.Parameters;
import org.apache.ratis.conf.RaftProperties;
import org.apache.ratis.protocol.ClientId;
import org.apache.ratis.protocol.Message;
import org.apache.ratis.protocol.RaftClientReply;
import org.apache.ratis.protocol.RaftClientRequest;
import org.apache.ratis.protocol.RaftGroup;
import org.apache.ratis.protocol.RaftGroupId;
import org.apache.ratis.protocol.RaftPeer;
import org.apache.ratis.protocol.RaftPeerId;
import org.apache.ratis.protocol.SnapshotManagementRequest;
import org.apache.ratis.server.DivisionInfo;
import org.apache.ratis.server.RaftServer;
import org.apache.ratis.server.storage.RaftStorage;
import org.apache.ratis.thirdparty.com.google.protobuf.ByteString;
import org.apache.ratis.util.ExitUtils;
import org.jspecify.annotations.Nullable;

/// Ratis on a member's folder from a start to its end, which may come by itself: it does not go on
/// after a write that failed. Requests go to the server by direct calls; only members talk over the
/// network, and a group of one over nothing at all. For any thread.
final class RatisRun implements AutoCloseable {
    private final RaftServer server;
    private final RaftServer.Division division;
    private final RaftGroupId groupId;
    private final String folderId;
    private final RaftPeerId self;
    private final ClientId client = ClientId.randomId();
    private final long maker = new SecureRandom().nextLong();
    private final AtomicLong calls = new AtomicLong();
    private final Json json;
    private final GroupMachine machine;
    private final RatisMembers members;

    /// What was asked and is not answered; the library forgets it where its log fails.
    private final ConcurrentHashMap<Long, CompletableFuture<Void>> asked =
            new ConcurrentHashMap<>();

    private volatile boolean ended;

    private RatisRun(RaftSettings settings, MetadataLog.Listener listener, Json json)
            throws IOException {
        this.json = json;
        Path folder = settings.folder();
        Path first = folder.resolve(FirstState.FILE);
        machine = new GroupMachine(json, client, maker, listener, first);
        SmallFile.makeFolder(folder);
        if (FirstState.isHalfWritten(folder)) {
            throw new IOException(folder + " was not filled to the end: recover the cluster again");
        }
        groupId = RaftGroupId.valueOf(MemberFolder.groupId(folder, settings::firstGroupId));
        folderId = MemberFolder.folderId(folder).toString();
        self = RaftPeerId.valueOf(settings.self());
        List<RaftPeer> peers = new ArrayList<>();
        // One that joins knows of no members, so it neither votes nor leads before it has the
        // group's log.
        if (settings.joins() == null) {
            settings.members().forEach(member -> peers.add(RatisMembers.peer(member.told(""))));
        }
        Parameters parameters = new Parameters();
        RaftProperties properties = RatisProperties.of(settings, parameters);
        server =
                RaftServer.newBuilder()
                        .setServerId(self)
                        .setGroup(RaftGroup.valueOf(groupId, peers))
                        .setStateMachine(machine)
                        .setProperties(properties)
                        .setParameters(parameters)
                        .setOption(RaftStorage.StartupOption.RECOVER)
                        .build();
        division = division();
        members = new RatisMembers(settings, server, division, client, calls::incrementAndGet);
    }

    private RaftServer.Division division() throws IOException {
        try {
            return server.getDivision(groupId);
        } catch (RuntimeException | IOException e) {
            server.close(); // else it would keep the folder
            throw e;
        }
    }

    /// @param listener told of this run alone; [MetadataLog.Listener#onStopped] without a call of
    ///   [#close] means that it has failed
    static RatisRun start(RaftSettings settings, MetadataLog.Listener listener, Json json)
            throws IOException {
        // It would end the process where it cannot listen; so it throws.
        ExitUtils.disableSystemExit();
        RatisRun run = new RatisRun(settings, listener, json);
        try {
            run.server.start();
            return run;
        } catch (RuntimeException | IOException e) {
            run.server.close();
            throw cannotStart(settings, e);
        }
    }

    private static IOException cannotStart(RaftSettings settings, Throwable failure) {
        RaftSettings.Member member = settings.member();
        String at = settings.solitary() ? "" : member.host() + ":" + member.port() + " ";
        return new IOException(
                "metadata member %s cannot start: %s%s: %s"
                        .formatted(member.name(), at, settings.folder(), reason(failure)),
                failure);
    }

    /// What the innermost cause that says something says.
    private static String reason(Throwable failure) {
        String reason = failure.toString();
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            reason = cause.getMessage() == null ? reason : cause.getMessage();
        }
        return reason;
    }

    CompletableFuture<List<Decision>> append(List<Submission> submissions, Facts facts) {
        long batch = calls.incrementAndGet();
        byte[] entry = json.bytes(new Entry(maker, batch, facts, submissions));
        CompletableFuture<List<Decision>> applied = machine.expect(batch);
        Message message = Message.valueOf(ByteString.copyFrom(entry));
        var _ =
                ask(RaftClientRequest.writeRequestType(), batch, message)
                        .whenComplete((_, failure) -> {
                            if (failure != null) {
                                applied.completeExceptionally(failure);
                            }
                        });
        return applied.whenComplete((_, _) -> machine.forget(batch));
    }

    CompletableFuture<MapUpdate> changesAfter(long revision) {
        if (!leadership().self()) {
            return CompletableFuture.failedFuture(new NotLeaderException("this member follows"));
        }
        return ask(RaftClientRequest.readRequestType(), calls.incrementAndGet(), Message.EMPTY)
                .thenApply(_ -> machine.changesAfter(revision));
    }

    /// Ends with success, or with [NotLeaderException] whatever the reason: the asker goes on to
    /// look for a leader.
    private CompletableFuture<Void> ask(RaftClientRequest.Type type, long callId, Message message) {
        RaftClientRequest request =
                RaftClientRequest.newBuilder()
                        .setClientId(client)
                        .setServerId(self)
                        .setGroupId(groupId)
                        .setCallId(callId)
                        .setMessage(message)
                        .setType(type)
                        .build();
        CompletableFuture<RaftClientReply> answer;
        try {
            answer = server.submitClientRequestAsync(request);
        } catch (IOException e) {
            return CompletableFuture.failedFuture(new NotLeaderException(e.toString()));
        }
        CompletableFuture<Void> result = new CompletableFuture<>();
        asked.put(callId, result);
        var _ = result.whenComplete((_, _) -> asked.remove(callId));
        var _ =
                answer.whenComplete((reply, failure) -> {
                    if (failure == null && reply.isSuccess()) {
                        result.complete(null);
                    } else {
                        Object why = failure == null ? reply.getException() : failure;
                        result.completeExceptionally(new NotLeaderException(String.valueOf(why)));
                    }
                });
        if (ended) {
            forgetAsked();
        }
        return result;
    }

    private void forgetAsked() {
        List.copyOf(asked.values())
                .forEach(one ->
                        one.completeExceptionally(new NotLeaderException("the log has ended")));
    }

    MetadataLog.Leadership leadership() {
        DivisionInfo info = division.getInfo();
        @Nullable RaftPeerId leader = ended ? null : info.getLeaderId();
        return new MetadataLog.Leadership(
                leader == null ? null : leader.toString(),
                !ended && info.isLeader() && info.isLeaderReady(),
                info.getCurrentTerm());
    }

    String groupId() {
        return groupId.getUuid().toString();
    }

    String folderId() {
        return folderId;
    }

    GroupMachine machine() {
        return machine;
    }

    RatisMembers members() {
        return members;
    }

    void snapshot() throws IOException {
        server.snapshotManagement(
                SnapshotManagementRequest.newCreate(
                        client, self, groupId, calls.incrementAndGet(), 10_000, 1));
    }

    /// Nothing that was asked is answered any more; it does not lead. Does not block.
    void end() {
        ended = true;
        forgetAsked();
    }

    @Override
    public void close() throws IOException {
        end();
        server.close();
    }
}
