package comet.server.raft;

import comet.cluster.GroupMember;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/// One member of the metadata group.
///
/// @param self the name of this member
/// @param members those that make the group when all of them start for the first time: one, three
///   or five; of a member that joins a group it is that one alone. What the folder remembers counts
///   more.
/// @param folder where this member keeps its log and snapshots; made if it is missing
/// @param snapshotEvery log entries between two snapshots
/// @param joins the group that the member joins, or null where it makes one; it has no voice there
///   before the group has taken it in
public record RaftSettings(
        String self, List<Member> members, Path folder, long snapshotEvery, @Nullable UUID joins) {
    /// Entries of a few hundred bytes to some ten KiB: a log of some MiB is replayed at a start.
    public static final long SNAPSHOT_EVERY = 2000;

    /// @param host where the other members reach it; unused in a group of one
    /// @param port 0: nobody ever does, so the group stays one of one
    /// @param control where nodes, gateways and the CLI reach it, in the form of
    ///   [comet.port.Connection.Dialer]
    public record Member(String name, String host, int port, List<String> control) {
        public Member {
            control = List.copyOf(control);
        }

        /// The same as others are told it.
        public GroupMember told(String folder) {
            return new GroupMember(
                    name, host + ":" + port, control.isEmpty() ? "" : control.getFirst(), folder);
        }
    }

    public RaftSettings {
        members = List.copyOf(members);
        boolean known = members.stream().anyMatch(member -> member.name().equals(self));
        if (!known) {
            throw new IllegalArgumentException(self + " is no member of the metadata group");
        }
    }

    /// One that makes the group, with the other members.
    public RaftSettings(String self, List<Member> members, Path folder, long snapshotEvery) {
        this(self, members, folder, snapshotEvery, null);
    }

    /// A group of one, reached within its process only.
    public static RaftSettings alone(String name, Path folder) {
        Member member = new Member(name, "127.0.0.1", 0, List.of());
        return new RaftSettings(name, List.of(member), folder, SNAPSHOT_EVERY);
    }

    /// One that joins that group.
    public static RaftSettings joining(Member member, Path folder, UUID group) {
        return new RaftSettings(member.name(), List.of(member), folder, SNAPSHOT_EVERY, group);
    }

    public Member member() {
        return members.stream()
                .filter(member -> member.name().equals(self))
                .findFirst()
                .orElseThrow();
    }

    /// Whether no other member can ever reach this one.
    boolean solitary() {
        return members.size() == 1 && member().port() == 0;
    }

    /// The id of the group that these members make when they start for the first time: another set
    /// of members is another group.
    UUID firstGroupId() {
        if (joins != null) {
            return joins;
        }
        StringBuilder text = new StringBuilder("comet metadata group");
        members.stream()
                .map(member -> '\n' + member.name() + ' ' + member.host() + ':' + member.port())
                .sorted()
                .forEach(text::append);
        return UUID.nameUUIDFromBytes(text.toString().getBytes(StandardCharsets.UTF_8));
    }
}
