package comet.server.raft;

import comet.cluster.GroupMember;
import comet.cluster.MapUpdate;
import comet.io.file.SmallFile;
import comet.meta.Decision;
import comet.meta.Facts;
import comet.meta.GroupEvent;
import comet.meta.Submission;
import comet.server.json.Json;
import java.io.IOException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
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

/// [MetadataLog] on Ratis, in the process that uses it. Requests go to the server by direct calls;
/// only members talk over the network, and a group of one over nothing at all.
final class RatisLog implements MetadataLog {
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

    private RatisLog(RaftSettings settings, Listener listener, Json json) throws IOException {
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
        division = server.getDivision(groupId);
        members = new RatisMembers(settings, server, division, client, calls::incrementAndGet);
    }

    static RatisLog start(RaftSettings settings, Listener listener, Json json) throws IOException {
        // It would end the process where it cannot listen; so it throws.
        ExitUtils.disableSystemExit();
        RatisLog log = new RatisLog(settings, listener, json);
        try {
            log.server.start();
            return log;
        } catch (ExitUtils.ExitException | CompletionException | IOException e) {
            log.server.close();
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

    @Override
    public CompletableFuture<List<Decision>> append(List<Submission> submissions, Facts facts) {
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

    @Override
    public CompletableFuture<MapUpdate> changesAfter(long revision) {
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
        CompletableFuture<RaftClientReply> asked;
        try {
            asked = server.submitClientRequestAsync(request);
        } catch (IOException e) {
            return CompletableFuture.failedFuture(new NotLeaderException(e.toString()));
        }
        CompletableFuture<Void> result = new CompletableFuture<>();
        var _ =
                asked.whenComplete((reply, failure) -> {
                    if (failure == null && reply.isSuccess()) {
                        result.complete(null);
                    } else {
                        Object why = failure == null ? reply.getException() : failure;
                        result.completeExceptionally(new NotLeaderException(String.valueOf(why)));
                    }
                });
        return result;
    }

    @Override
    public MapUpdate localChangesAfter(long revision) {
        return machine.changesAfter(revision);
    }

    @Override
    public List<GroupEvent> localEventsAfter(long after) {
        return machine.eventsAfter(after);
    }

    @Override
    public Leadership leadership() {
        DivisionInfo info = division.getInfo();
        @Nullable RaftPeerId leader = info.getLeaderId();
        return new Leadership(
                leader == null ? null : leader.toString(),
                info.isLeader() && info.isLeaderReady(),
                info.getCurrentTerm());
    }

    @Override
    public String groupId() {
        return groupId.getUuid().toString();
    }

    @Override
    public String folderId() {
        return folderId;
    }

    @Override
    public List<GroupMember> members() {
        return members.members();
    }

    @Override
    public List<MemberSeen> membersSeen() {
        return members.seen();
    }

    @Override
    public CompletableFuture<Void> changeMembers(
            List<GroupMember> current, List<GroupMember> next) {
        return members.change(current, next);
    }

    @Override
    public CompletableFuture<Void> handOver(String to) {
        return members.handOver(to);
    }

    @Override
    public long silentMs(String name) {
        return members.agoMs().getOrDefault(name, 0L);
    }

    @Override
    public void stepDown() {
        members.stepDown();
    }

    @Override
    public List<GroupMember> agreedMembers() {
        return machine.members();
    }

    @Override
    public List<String> formerMembers() {
        return machine.formerMembers();
    }

    @Override
    public void snapshot() throws IOException {
        server.snapshotManagement(
                SnapshotManagementRequest.newCreate(
                        client, self, groupId, calls.incrementAndGet(), 10_000, 1));
    }

    @Override
    public void close() throws IOException {
        server.close();
    }
}
