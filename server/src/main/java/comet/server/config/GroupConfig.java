package comet.server.config;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/// The metadata group as one of its members sees it.
///
/// @param self this member
/// @param members all of them, this one too
/// @param gracePeriod how long a deleted volume is kept
public record GroupConfig(Member self, List<Member> members, Duration gracePeriod) {
    /// @param raft where the other members reach it
    /// @param control where nodes and gateways reach it
    public record Member(String name, HostPort raft, HostPort control) {}

    public GroupConfig {
        members = List.copyOf(members);
    }

    /// Null where the process is no member.
    static @Nullable GroupConfig read(ConfigFile file, String name) {
        List<Member> members = new ArrayList<>();
        TreeSet<String> names = new TreeSet<>();
        Member self = null;
        for (ConfigFile object : file.objects("meta.members")) {
            Member member =
                    new Member(
                            object.text("name"), object.address("raft"), object.address("control"));
            if (!names.add(member.name())) {
                throw file.refuse("meta.members", "names " + member.name() + " twice");
            }
            if (member.name().equals(name)) {
                self = member;
                Loopback.check(file, "meta.members", member.raft());
                Loopback.check(file, "meta.members", member.control());
            }
            members.add(member);
        }
        if (members.isEmpty()) {
            return null;
        }
        if (members.size() % 2 == 0 || members.size() > 5) {
            throw file.refuse(
                    "meta.members",
                    "has %d members: one, three or five make a group".formatted(members.size()));
        }
        return self == null
                ? null
                : new GroupConfig(self, members, file.duration("meta.grace-period"));
    }
}
