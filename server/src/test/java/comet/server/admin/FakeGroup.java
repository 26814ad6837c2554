package comet.server.admin;

import comet.cluster.ClusterMap;
import comet.cluster.Command;
import comet.cluster.GroupMember;
import comet.cluster.MapUpdate;
import comet.cluster.Reply;
import comet.meta.GroupEvent;
import comet.meta.Moves;
import comet.server.raft.MemberSeen;
import comet.server.raft.MetaMembers;
import comet.server.raft.MetaStatus;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;

/// A metadata group that knows the map it was given and notes what it is asked for.
final class FakeGroup implements GroupAccess {
    final ClusterMap map = new ClusterMap();
    final List<Command> commands = new ArrayList<>();
    final Map<Integer, GroupStatus.Seen> disks = new TreeMap<>();
    final Map<Long, GroupStatus.Seen> gateways = new TreeMap<>();
    final List<GroupEvent> events = new ArrayList<>();
    Moves.Progress moves = Moves.Progress.NONE;
    boolean reachable = true;
    final List<String> silent = new ArrayList<>();
    final List<MemberSeen> members = new ArrayList<>();

    /// Members that are to be added, by address.
    final Map<String, MetaStatus> waiting = new TreeMap<>();

    void update(MapUpdate update) {
        map.apply(update);
    }

    private void reach() {
        if (!reachable) {
            throw AdminException.unavailable("no-quorum", "the group does not answer");
        }
    }

    @Override
    public <T> T read(Function<ClusterMap, T> view) {
        reach();
        return view.apply(map);
    }

    @Override
    public Reply submit(Command command) {
        reach();
        commands.add(command);
        return new Reply.Done(map.revision());
    }

    @Override
    public List<GroupEvent> events(long after) {
        reach();
        return events.stream().filter(event -> event.number() > after).toList();
    }

    @Override
    public GroupStatus status() {
        reach();
        return new GroupStatus(
                "node-1", List.of("node-1"), disks, gateways, true, moves, silent, Map.of());
    }

    @Override
    public MetaMembers members() {
        reach();
        return new MetaMembers("group", "node-1", members, List.of());
    }

    @Override
    public void changeMembers(List<GroupMember> add, List<String> remove) {
        reach();
        members.removeIf(one -> remove.contains(one.member().name()));
        add.forEach(one -> members.add(new MemberSeen(one, false, true, 10, 7, 0)));
    }

    @Override
    public MetaStatus member(String control) {
        MetaStatus status = waiting.get(control);
        if (status == null) {
            throw AdminException.conflict("member-silent", "nobody answers at " + control);
        }
        return status;
    }
}
