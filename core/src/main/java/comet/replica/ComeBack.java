package comet.replica;

import comet.cluster.Command;
import comet.cluster.MemberState;
import comet.cluster.PgConfig;
import comet.cluster.Reply;
import comet.port.Events.Level;
import java.util.TreeSet;

/// The placement groups that have gone on without this disk although it lives: it was cut off, or
/// stood still. It asks to recover there, after a pause that grows where it is left behind again
/// and again.
final class ComeBack {
    private static final long PAUSE_MIN_NS = 500_000_000;
    private static final long PAUSE_MAX_NS = 60_000_000_000L;

    private static final long ASK_AGAIN_NS = 1_000_000_000;

    /// After so long without being left behind the pause is the shortest again.
    private static final long FORGIVEN_NS = 600_000_000_000L;

    private final DiskServer disk;
    private final TreeSet<Integer> left = new TreeSet<>();
    private long pauseNs = PAUSE_MIN_NS;
    private long leftAtNs;
    private long askAtNs = Long.MAX_VALUE;
    private boolean told;

    ComeBack(DiskServer disk) {
        this.disk = disk;
    }

    /// A placement group has a new configuration.
    void onEpoch(PgConfig config) {
        PgConfig.Member member = config.member(disk.identity().diskId());
        if (member == null || member.state() != MemberState.STALE) {
            left.remove(config.pg());
            return;
        }
        if (left.isEmpty()) {
            told = false;
            long now = disk.loop().nowNs();
            boolean again = leftAtNs != 0 && now - leftAtNs < FORGIVEN_NS;
            pauseNs = again ? Math.min(2 * pauseNs, PAUSE_MAX_NS) : PAUSE_MIN_NS;
            leftAtNs = now;
            askAtNs = now + pauseNs;
        }
        left.add(config.pg());
    }

    private void onReply(Reply reply) {
        if (reply instanceof Reply.Refused) {
            // Others do not reach it yet.
            askAtNs = disk.loop().nowNs() + Math.max(pauseNs, ASK_AGAIN_NS);
        }
        disk.view().atLeast(reply.revision(), () -> {});
    }

    int count() {
        return left.size();
    }

    void tick() {
        long now = disk.loop().nowNs();
        if (left.isEmpty() || now < askAtNs) {
            return;
        }
        askAtNs = now + PAUSE_MAX_NS;
        if (!told) {
            told = true;
            disk.event(Level.WARN, "replicas-left-behind", "pgs=" + left.size());
        }
        disk.parts()
                .meta()
                .submit(
                        new Command.Recovering(disk.identity().diskId(), disk.bootId()),
                        this::onReply);
    }
}
