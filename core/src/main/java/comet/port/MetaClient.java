package comet.port;

import comet.cluster.Command;
import comet.cluster.DiskLife;
import comet.cluster.MapUpdate;
import comet.cluster.Reply;
import java.util.List;
import java.util.function.Consumer;

/// The metadata group, as a process that is not its leader sees it. Owner thread: the loop of the
/// core that uses it; all answers come there, later.
public interface MetaClient {
    /// Has the group decide on a command. Sent again, to whichever member leads, until the group
    /// has answered or the client is closed, so a command may be decided more than once; commands
    /// are made so that this does no harm. Answers wait as long as the group cannot be reached.
    void submit(Command command, Consumer<Reply> done);

    /// A linearizable read of everything that changed after `revision` (0: everything). The answer
    /// holds all that was committed before the call.
    void fetch(long revision, Consumer<MapUpdate> done);

    /// Tells the group's leader which disks fail this gateway; to be repeated twice a second as
    /// long as it is so. Soft: it may get lost.
    ///
    /// @param silent owe answers for longer than the I/O deadline
    /// @param slow answer far slower than others, for long
    /// @param done told which of the silent ones the leader reaches itself; never, where it does
    ///   not answer
    default void report(
            long gatewayId,
            List<DiskLife> silent,
            List<DiskLife> slow,
            Consumer<List<DiskLife>> done) {}

    /// Pushes of changes, in order but possibly with gaps and repeats: see [MapUpdate#after]. At
    /// most one listener; set before use.
    void listen(Listener listener);

    /// What the group tells by itself.
    interface Listener {
        void onUpdate(MapUpdate update);

        /// The group asks this gateway whether it will give up a volume that another wants to
        /// attach. Answered with [Command.AnswerYield].
        void onYieldAsked(long volumeId, long term);
    }
}
