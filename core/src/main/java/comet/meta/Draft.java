package comet.meta;

import comet.cluster.Reply;
import java.util.ArrayList;
import java.util.List;

/// A decision in the making.
final class Draft {
    final GroupState state;
    private final ArrayList<GroupRecord> records = new ArrayList<>();

    Draft(GroupState state) {
        this.state = state;
    }

    Draft add(GroupRecord record) {
        records.add(record);
        return this;
    }

    /// The revision that the asker must know before it acts on the answer.
    long revision() {
        boolean visible = false;
        for (GroupRecord record : records) {
            visible |= record.isVisible();
        }
        return state.revisionOf(visible);
    }

    Decision done() {
        return reply(new Reply.Done(revision()));
    }

    Decision id(long id) {
        return reply(new Reply.Id(revision(), id));
    }

    Decision reply(Reply reply) {
        return new Decision(records, reply, null);
    }

    /// A refusal drops what was drafted.
    Decision refused(String code, String message) {
        return new Decision(
                List.of(), new Reply.Refused(state.revisionOf(false), code, message), null);
    }

    /// A refusal that leaves a trace in what the group alone remembers.
    Decision refusedWith(GroupRecord.DiskStartSet trace, String code, String message) {
        return new Decision(
                List.of(trace), new Reply.Refused(state.revisionOf(false), code, message), null);
    }
}
