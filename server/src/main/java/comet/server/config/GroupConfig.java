package comet.server.config;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/// The metadata group as one of its members sees it.
///
/// @param self this member
/// @param members those that make the group, this one too; this one alone where it joins
/// @param joins it joins a group that exists
/// @param gracePeriod how long a deleted volume is kept
public record GroupConfig(Member self, List<Member> members, boolean joins, Duration gracePeriod) {
    static final String GROUP = "group";
    static final String JOIN_NAME = "meta.join.name";
    static final String JOIN_RAFT = "meta.join.raft";
    static final String JOIN_CONTROL = "meta.join.control";
    private static final String MEMBERS = "meta.members";

    /// @param raft where the other members reach it
    /// @param control where nodes and gateways reach it
    public record Member(String name, HostPort raft, HostPort control) {}

    public GroupConfig {
        members = List.copyOf(members);
    }

    /// Null where the process is no member.
    static @Nullable GroupConfig read(ConfigFile file, String name) {
        if (file.has(JOIN_NAME) || file.has(JOIN_RAFT) || file.has(JOIN_CONTROL)) {
            return joining(file, name);
        }
        List<Member> members = new ArrayList<>();
        TreeSet<String> names = new TreeSet<>();
        Member self = null;
        for (ConfigFile object : file.objects(MEMBERS)) {
            Member member =
                    new Member(
                            object.text("name"), object.address("raft"), object.address("control"));
            if (!names.add(member.name())) {
                throw file.refuse(MEMBERS, "names " + member.name() + " twice");
            }
            if (member.name().equals(name)) {
                self = member;
                Loopback.check(file, MEMBERS, member.raft());
                Loopback.check(file, MEMBERS, member.control());
            }
            members.add(member);
        }
        if (members.isEmpty()) {
            return null;
        }
        if (members.size() % 2 == 0 || members.size() > 5) {
            throw file.refuse(
                    MEMBERS,
                    "has %d members: one, three or five make a group".formatted(members.size()));
        }
        return self == null
                ? null
                : new GroupConfig(self, members, false, file.duration("meta.grace-period"));
    }

    private static GroupConfig joining(ConfigFile file, String name) {
        if (file.has(MEMBERS)) {
            throw file.refuse(
                    MEMBERS,
                    "goes not with `meta.join`: a member either makes a group or joins one");
        }
        if (file.addresses(GROUP).isEmpty()) {
            throw file.refuse(GROUP, "names nobody: `meta.join` wants the group that is joined");
        }
        HostPort raft = needed(file, JOIN_RAFT);
        HostPort control = needed(file, JOIN_CONTROL);
        Loopback.check(file, JOIN_RAFT, raft);
        Loopback.check(file, JOIN_CONTROL, control);
        Member self = new Member(file.has(JOIN_NAME) ? file.text(JOIN_NAME) : name, raft, control);
        return new GroupConfig(self, List.of(self), true, file.duration("meta.grace-period"));
    }

    private static HostPort needed(ConfigFile file, String key) {
        HostPort address = file.addressOrNull(key);
        if (address == null) {
            throw file.refuse(key, "is missing: a member that joins wants it");
        }
        return address;
    }
}
