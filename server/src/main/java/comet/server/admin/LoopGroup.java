package comet.server.admin;

import comet.cluster.ClusterMap;
import comet.cluster.Command;
import comet.cluster.GroupMember;
import comet.cluster.MapUpdate;
import comet.cluster.Reply;
import comet.meta.GroupEvent;
import comet.meta.Moves;
import comet.server.control.BlockingMeta;
import comet.server.control.MemberCall;
import comet.server.raft.MetaMembers;
import comet.server.raft.MetaStatus;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;

/// The metadata group through a client that lives on a loop. Keeps a map of its own, brought up to
/// date by each read, so that views of it need not run on the loop.
public final class LoopGroup implements GroupAccess {
    private static final Duration READ_MAX = Duration.ofSeconds(5);
    private static final Duration SUBMIT_MAX = Duration.ofSeconds(20);

    /// A new member gets the whole log first, and the leader may change meanwhile.
    private static final Duration CHANGE_MAX = Duration.ofSeconds(60);

    private final BlockingMeta meta;
    private final MemberCall calls;
    private final ClusterMap map = new ClusterMap();

    /// @param calls for members that are not in the group yet
    public LoopGroup(BlockingMeta meta, MemberCall calls) {
        this.meta = meta;
        this.calls = calls;
    }

    @Override
    public synchronized <T> T read(Function<ClusterMap, T> view) {
        MapUpdate update = await(() -> meta.fetch(map.revision(), READ_MAX), READ_MAX);
        if (!map.apply(update)) {
            map.apply(await(() -> meta.fetch(0, READ_MAX), READ_MAX));
        }
        return view.apply(map);
    }

    @Override
    public Reply submit(Command command) {
        return accepted(await(() -> meta.submit(command, SUBMIT_MAX), SUBMIT_MAX));
    }

    private static Reply accepted(Reply reply) {
        if (reply instanceof Reply.Refused refused) {
            throw refused.code().startsWith("unknown-")
                    ? AdminException.missing(refused.code(), refused.message())
                    : AdminException.conflict(refused.code(), refused.message());
        }
        return reply;
    }

    @Override
    public List<GroupEvent> events(long after) {
        return await(() -> meta.events(after, READ_MAX), READ_MAX);
    }

    @Override
    public GroupStatus status() {
        MetaStatus status = await(() -> meta.status(READ_MAX), READ_MAX);
        Map<Integer, GroupStatus.Seen> disks = new TreeMap<>();
        for (MetaStatus.DiskSeen disk : status.disks()) {
            disks.put(
                    disk.diskId(),
                    new GroupStatus.Seen(disk.alive(), disk.agoMs(), disk.bootId(), disk.use()));
        }
        Map<Long, GroupStatus.Seen> gateways = new TreeMap<>();
        for (MetaStatus.GatewaySeen gateway : status.gateways()) {
            gateways.put(
                    gateway.gatewayId(),
                    new GroupStatus.Seen(gateway.alive(), gateway.agoMs(), 0, null, gateway.nbd()));
        }
        String leader = status.leader();
        Moves.Progress moves = status.moves();
        return new GroupStatus(
                leader == null ? "" : leader,
                status.members(),
                disks,
                gateways,
                status.settled(),
                moves == null ? Moves.Progress.NONE : moves,
                status.silent(),
                controls(status));
    }

    private static Map<String, String> controls(MetaStatus status) {
        Map<String, String> controls = new TreeMap<>();
        status.group().forEach(member -> controls.put(member.name(), member.control()));
        return controls;
    }

    @Override
    public MetaMembers members() {
        return await(() -> meta.members(READ_MAX), READ_MAX);
    }

    @Override
    public void changeMembers(List<GroupMember> add, List<String> remove) {
        accepted(await(() -> meta.changeMembers(add, remove, CHANGE_MAX), CHANGE_MAX));
    }

    @Override
    public MetaStatus member(String control) {
        try {
            return calls.status(control).join();
        } catch (CompletionException e) {
            throw AdminException.conflict(
                    "member-silent",
                    "no member of a metadata group answers at %s: start it there first, with `meta.join` in its config"
                            .formatted(control));
        }
    }

    private interface Question<T> {
        T ask() throws TimeoutException, InterruptedException;
    }

    private static <T> T await(Question<T> question, Duration limit) {
        try {
            return question.ask();
        } catch (TimeoutException e) {
            throw AdminException.unavailable(
                    "no-quorum",
                    "the metadata group has not answered within %d s; a change that was asked for may still be made when it does"
                            .formatted(limit.toSeconds()));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw AdminException.unavailable("stopping", "this process is stopping");
        }
    }
}
