package comet.server.raft;

import comet.cluster.GroupMember;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeoutException;
import java.util.function.LongSupplier;
import org.apache.ratis.proto.RaftProtos.CommitInfoProto;
import org.apache.ratis.proto.RaftProtos.RoleInfoProto;
import org.apache.ratis.proto.RaftProtos.ServerRpcProto;
import org.apache.ratis.protocol.ClientId;
import org.apache.ratis.protocol.RaftClientReply;
import org.apache.ratis.protocol.RaftGroupId;
import org.apache.ratis.protocol.RaftPeer;
import org.apache.ratis.protocol.RaftPeerId;
import org.apache.ratis.protocol.SetConfigurationRequest;
import org.apache.ratis.protocol.SetConfigurationRequest.Arguments;
import org.apache.ratis.protocol.TransferLeadershipRequest;
import org.apache.ratis.protocol.exceptions.LeaderNotReadyException;
import org.apache.ratis.protocol.exceptions.NotLeaderException;
import org.apache.ratis.protocol.exceptions.ReconfigurationTimeoutException;
import org.apache.ratis.server.DivisionInfo;
import org.apache.ratis.server.RaftServer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Who belongs to the group of a [RatisLog], and how that changes. The log's own configuration is
/// what counts; where a member is reached by others than members stands in it as the peer's address
/// for clients, which the library uses for nothing else here.
final class RatisMembers {
    /// A follower that has answered within this time is there; it is asked at least every half
    /// second. A new leader counts everybody as silent for longer until the first answer.
    static final long ALIVE_MS = 1500;

    private static final Logger LOG = LoggerFactory.getLogger(RatisMembers.class);
    private static final long HAND_OVER_MS = 3000;

    private final RaftSettings settings;
    private final RaftServer server;
    private final RaftServer.Division division;
    private final RaftGroupId groupId;
    private final ClientId client;
    private final LongSupplier calls;

    RatisMembers(
            RaftSettings settings,
            RaftServer server,
            RaftServer.Division division,
            ClientId client,
            LongSupplier calls) {
        this.settings = settings;
        this.server = server;
        this.division = division;
        groupId = division.getGroup().getGroupId();
        this.client = client;
        this.calls = calls;
    }

    static RaftPeer peer(GroupMember member) {
        RaftPeer.Builder peer =
                RaftPeer.newBuilder().setId(member.name()).setAddress(member.raft());
        return member.control().isEmpty()
                ? peer.build()
                : peer.setClientAddress(member.control()).build();
    }

    /// As this member knows them; none on one that waits to be taken in.
    List<GroupMember> members() {
        List<GroupMember> members = new ArrayList<>();
        for (RaftPeer peer : division.getRaftConf().getCurrentPeers()) {
            members.add(member(peer));
        }
        members.sort((a, b) -> a.name().compareTo(b.name()));
        return members;
    }

    /// A group that was made before its log knew who is reached where has that from the config.
    private GroupMember member(RaftPeer peer) {
        String name = peer.getId().toString();
        String control = peer.getClientAddress() == null ? "" : peer.getClientAddress();
        for (RaftSettings.Member known : settings.members()) {
            if (control.isEmpty() && known.name().equals(name)) {
                control = known.told("").control();
            }
        }
        return new GroupMember(name, peer.getAddress(), control, "");
    }

    /// Whether this member belongs to the group, as far as it knows. While members change it does
    /// if it will.
    boolean contains(String name) {
        return division.getRaftConf().getCurrentPeers().stream()
                .anyMatch(peer -> peer.getId().toString().equals(name));
    }

    /// When others have answered the leader last, also those that are being added; nobody
    /// elsewhere.
    TreeMap<String, Long> agoMs() {
        TreeMap<String, Long> agoMs = new TreeMap<>();
        RoleInfoProto role = division.getInfo().getRoleInfoProto();
        if (role != null && role.hasLeaderInfo()) {
            for (ServerRpcProto one : role.getLeaderInfo().getFollowerInfoList()) {
                agoMs.put(one.getId().getId().toStringUtf8(), one.getLastRpcElapsedTimeMs());
            }
        }
        return agoMs;
    }

    /// As the leader sees them; elsewhere nobody but this member is known to be there.
    List<MemberSeen> seen() {
        DivisionInfo info = division.getInfo();
        TreeMap<String, Long> agoMs = agoMs();
        TreeMap<String, Long> indices = new TreeMap<>();
        for (CommitInfoProto commit : division.getCommitInfos()) {
            indices.put(commit.getServer().getId().toStringUtf8(), commit.getCommitIndex());
        }
        long mine = indices.getOrDefault(settings.self(), 0L);
        List<MemberSeen> seen = new ArrayList<>();
        for (GroupMember member : members()) {
            boolean self = member.name().equals(settings.self());
            long ago = self ? 0 : agoMs.getOrDefault(member.name(), Long.MAX_VALUE);
            long index = indices.getOrDefault(member.name(), 0L);
            seen.add(
                    new MemberSeen(
                            member,
                            self && info.isLeader(),
                            ago < ALIVE_MS,
                            ago,
                            Math.max(0, index),
                            Math.max(0, mine - index)));
        }
        return seen;
    }

    /// Changes the members, on the leader: all of the old ones must still be `current`. A new one
    /// gets the log first and a voice then; where it does not answer, nothing changes.
    CompletableFuture<Void> change(List<GroupMember> current, List<GroupMember> next) {
        Arguments arguments =
                Arguments.newBuilder()
                        .setMode(SetConfigurationRequest.Mode.COMPARE_AND_SET)
                        .setServersInCurrentConf(peers(current))
                        .setServersInNewConf(peers(next))
                        .build();
        SetConfigurationRequest request =
                new SetConfigurationRequest(
                        client, id(settings.self()), groupId, calls.getAsLong(), arguments);
        try {
            return ended(server.setConfigurationAsync(request));
        } catch (IOException e) {
            return CompletableFuture.failedFuture(e);
        }
    }

    /// Lets another member lead, on the leader.
    CompletableFuture<Void> handOver(String to) {
        TransferLeadershipRequest request =
                new TransferLeadershipRequest(
                        client,
                        id(settings.self()),
                        groupId,
                        calls.getAsLong(),
                        id(to),
                        HAND_OVER_MS);
        try {
            return ended(server.transferLeadershipAsync(request));
        } catch (IOException e) {
            return CompletableFuture.failedFuture(e);
        }
    }

    void stepDown() {
        TransferLeadershipRequest request =
                new TransferLeadershipRequest(
                        client,
                        id(settings.self()),
                        groupId,
                        calls.getAsLong(),
                        null,
                        HAND_OVER_MS);
        try {
            var _ = server.transferLeadershipAsync(request);
        } catch (IOException e) {
            LOG.debug("does not lead", e);
        }
    }

    private static RaftPeerId id(String name) {
        return RaftPeerId.valueOf(name);
    }

    private static List<RaftPeer> peers(Collection<GroupMember> members) {
        return members.stream().map(RatisMembers::peer).toList();
    }

    private static Exception told(Throwable why) {
        String text = String.valueOf(why.getMessage());
        return switch (why) {
            case NotLeaderException e -> new comet.server.raft.NotLeaderException(e.toString());
            case LeaderNotReadyException e ->
                    new comet.server.raft.NotLeaderException(e.toString());
            case ReconfigurationTimeoutException _ -> new TimeoutException(text);
            default -> new IOException(text, why);
        };
    }

    private static CompletableFuture<Void> ended(CompletableFuture<RaftClientReply> asked) {
        return asked.handle((reply, failure) -> {
            Throwable why =
                    failure != null ? failure : reply.isSuccess() ? null : reply.getException();
            while (why instanceof CompletionException && why.getCause() != null) {
                why = why.getCause();
            }
            if (why != null) {
                throw new CompletionException(told(why));
            }
            return null;
        });
    }
}
