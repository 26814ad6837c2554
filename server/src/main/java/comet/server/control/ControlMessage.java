package comet.server.control;

import comet.cluster.DiskLife;
import comet.cluster.GroupMember;
import comet.cluster.MapUpdate;
import comet.cluster.Reply;
import comet.meta.GroupEvent;
import comet.meta.Submission;
import comet.server.raft.DiskUse;
import comet.server.raft.MetaMembers;
import comet.server.raft.MetaStatus;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The documents of the CONTROL lane. A request is answered once, under its id; a member that does
/// not lead answers every request but [Request.Status] with [Response.NotLeader].
public final class ControlMessage {
    private ControlMessage() {}

    /// In CONTROL frames.
    public sealed interface Request {
        /// Answered by [Response.Answer], however long it takes.
        record Submit(Submission submission) implements Request {}

        /// A linearizable read of what changed after a revision. Answered by [Response.Update].
        record Fetch(long revision) implements Request {}

        /// From now on, changes after that revision are pushed. Answered by [Response.Done].
        record Subscribe(long revision) implements Request {}

        /// Sent every half second, and first of all. Answered by [Response.Done].
        ///
        /// @param gatewayId 0 for none
        /// @param disks that serve in this process
        /// @param uses how full they are; missing from senders that do not know
        /// @param gone disks that served in this process and do no longer: they stop, have failed
        ///   or hang; missing from older senders
        /// @param member the member of the group that this process carries; empty for none, and
        ///   missing from older senders, as what follows
        /// @param folder uuid of its folder
        /// @param nbd where the gateway serves, see [comet.server.raft.NbdAddresses]
        record Beat(
                long gatewayId,
                List<DiskLife> disks,
                List<DiskUse> uses,
                List<DiskLife> gone,
                String member,
                String folder,
                List<String> nbd)
                implements Request {
            public Beat {
                disks = List.copyOf(disks);
                uses = absent(uses) ? List.of() : List.copyOf(uses);
                gone = absent(gone) ? List.of() : List.copyOf(gone);
                member = absent(member) ? "" : member;
                folder = absent(folder) ? "" : folder;
                nbd = absent(nbd) ? List.of() : List.copyOf(nbd);
            }

            private static boolean absent(@Nullable Object field) {
                return field == null;
            }
        }

        /// Disks that owe a gateway answers for too long. Answered by [Response.Reached].
        ///
        /// @param slow answer far slower than others; missing from older senders
        record Report(long gatewayId, List<DiskLife> silent, List<DiskLife> slow)
                implements Request {
            public Report {
                silent = List.copyOf(silent);
                slow = Beat.absent(slow) ? List.of() : List.copyOf(slow);
            }
        }

        /// What has happened after an event. Answered by [Response.Events].
        record Events(long after) implements Request {}

        /// Who belongs to the group. Answered by [Response.Members].
        record Members() implements Request {}

        /// Adds a member, removes one, or puts one in the other's place. What is done already is
        /// not done again. Answered by [Response.Answer].
        ///
        /// @param add one or none; its process waits for it
        /// @param remove the name of one or none
        record ChangeMembers(List<GroupMember> add, List<String> remove) implements Request {
            public ChangeMembers {
                add = List.copyOf(add);
                remove = List.copyOf(remove);
                if (add.size() > 1 || remove.size() > 1 || add.isEmpty() && remove.isEmpty()) {
                    throw new IllegalArgumentException("one member is changed at a time");
                }
            }
        }

        /// Answered by [Response.Status], by any member.
        record Status() implements Request {}
    }

    /// In CONTROL_REPLY frames.
    public sealed interface Response {
        record Answer(Reply reply) implements Response {}

        record Update(MapUpdate update) implements Response {}

        /// @param members of the group, where the asker was not told them in this session; else,
        ///   and from older members, none
        record Done(List<GroupMember> members) implements Response {
            public Done {
                members = absent(members) ? List.of() : List.copyOf(members);
            }

            Done() {
                this(List.of());
            }

            private static boolean absent(@Nullable Object field) {
                return field == null;
            }
        }

        record Members(MetaMembers members) implements Response {}

        /// Those of the disks reported that the leader reaches itself.
        record Reached(List<DiskLife> disks) implements Response {
            public Reached {
                disks = List.copyOf(disks);
            }
        }

        record Status(MetaStatus status) implements Response {}

        /// Oldest first.
        record Events(List<GroupEvent> events) implements Response {
            public Events {
                events = List.copyOf(events);
            }
        }

        /// Nothing was done, or its outcome is not known: ask again there.
        ///
        /// @param addresses where the leader is reached; empty where it is not known
        record NotLeader(List<String> addresses) implements Response {
            public NotLeader {
                addresses = List.copyOf(addresses);
            }
        }
    }

    /// In CONTROL_PUSH frames, under id 0.
    public sealed interface Push {
        record Changed(MapUpdate update) implements Push {}

        /// The group asks the gateway for a volume; see [comet.cluster.Command.AnswerYield].
        record YieldAsked(long volumeId, long term) implements Push {}
    }
}
