package comet.meta;

import comet.cluster.Reply;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// What a command would change, and its answer.
///
/// @param records to be replayed, in order, all or none
/// @param question with a refusal: if this gateway yields, the same submission will succeed
public record Decision(List<GroupRecord> records, Reply reply, @Nullable YieldQuestion question) {

    /// Whoever holds the volume is to be asked whether it gives it up; it answers with
    /// [comet.cluster.Command.AnswerYield]. After that, or about a second, the submission is
    /// decided again, and then its answer counts.
    public record YieldQuestion(long volumeId, long gatewayId, long term) {}

    public Decision {
        records = List.copyOf(records);
    }
}
