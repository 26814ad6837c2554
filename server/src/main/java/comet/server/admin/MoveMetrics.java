package comet.server.admin;

import comet.meta.Moves;
import comet.server.raft.MetaMember;

/// What a member of the metadata group has placement groups do, where it leads; zeros elsewhere.
public record MoveMetrics(String process, MetaMember member) implements Metrics.Source {
    @Override
    public void sample(Metrics.Sink sink) {
        Moves.Progress progress = member.moves();
        String labels = Metrics.labels("process", process);
        sink.gauge(
                "comet_pgs_waiting_to_move",
                "Placement groups that are to move to other disks and have not begun.",
                labels,
                (long) progress.waiting());
        sink.gauge(
                "comet_pgs_moving",
                "Placement groups that are being moved.",
                labels,
                (long) progress.moving());
        sink.counter(
                "comet_pgs_moved_total",
                "Placement groups moved since this member leads.",
                labels,
                progress.moved());
        sink.gauge(
                "comet_rebuild_impossible",
                "Lost copies of placement groups that no disk can take.",
                labels,
                (long) progress.rebuildImpossible());
    }
}
