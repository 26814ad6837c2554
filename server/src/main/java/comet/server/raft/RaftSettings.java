package comet.server.raft;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;

/// One member of the metadata group.
///
/// @param self the name of this member
/// @param members all of them: one, three or five
/// @param folder where this member keeps its log and snapshots; made if it is missing
/// @param snapshotEvery log entries between two snapshots
public record RaftSettings(String self, List<Member> members, Path folder, long snapshotEvery) {
    /// Entries of a few hundred bytes to some ten KiB: a log of some MiB is replayed at a start.
    public static final long SNAPSHOT_EVERY = 2000;

    /// @param host where the other members reach it; unused in a group of one
    /// @param control where nodes, gateways and the CLI reach it, in the form of
    ///   [comet.port.Connection.Dialer]
    public record Member(String name, String host, int port, List<String> control) {
        public Member {
            control = List.copyOf(control);
        }
    }

    public RaftSettings {
        members = List.copyOf(members);
        boolean known = members.stream().anyMatch(member -> member.name().equals(self));
        if (!known) {
            throw new IllegalArgumentException(self + " is no member of the metadata group");
        }
    }

    /// A group of one, reached within its process only.
    public static RaftSettings alone(String name, Path folder) {
        Member member = new Member(name, "127.0.0.1", 0, List.of());
        return new RaftSettings(name, List.of(member), folder, SNAPSHOT_EVERY);
    }

    public Member member() {
        return members.stream()
                .filter(member -> member.name().equals(self))
                .findFirst()
                .orElseThrow();
    }

    /// The id of the group that these members make when they start for the first time: another set
    /// of members is another group.
    UUID firstGroupId() {
        StringBuilder text = new StringBuilder("comet metadata group");
        members.stream()
                .map(member -> '\n' + member.name() + ' ' + member.host() + ':' + member.port())
                .sorted()
                .forEach(text::append);
        return UUID.nameUUIDFromBytes(text.toString().getBytes(StandardCharsets.UTF_8));
    }
}
