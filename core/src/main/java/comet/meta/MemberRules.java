package comet.meta;

import comet.cluster.Command;
import java.util.List;
import java.util.TreeSet;

/// Who belongs to the metadata group. The log itself has changed its members when its leader says
/// so; what is kept here outlives that: names that were used.
final class MemberRules {
    private MemberRules() {}

    static Decision set(Draft draft, Command.SetMembers command) {
        GroupState state = draft.state;
        if (command.members().isEmpty()) {
            return draft.refused("no-members", "a metadata group has members");
        }
        if (!command.members().equals(state.members())) {
            TreeSet<String> former = new TreeSet<>(state.formerMembers());
            state.members().forEach(member -> former.add(member.name()));
            command.members().forEach(member -> former.remove(member.name()));
            draft.add(new GroupRecord.MembersSet(command.members(), List.copyOf(former)));
        }
        return draft.done();
    }
}
