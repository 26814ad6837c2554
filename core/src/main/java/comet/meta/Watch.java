package comet.meta;

import comet.cluster.ClusterMap;
import comet.cluster.Command;
import comet.cluster.DiskInfo;
import comet.cluster.DiskLife;
import comet.cluster.Reply;
import comet.cluster.VolumeInfo;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The look-out of the group's leader for disks that the others should go on without: they are
/// silent, say themselves that they serve no longer, do not answer gateways, or answer them far
/// slower than others do.
public final class Watch {
    /// How often to look.
    public static final long INTERVAL_NS = 250_000_000L;

    private final Heartbeats heartbeats;
    private final Reports reports;
    private final SlowDisks slow = new SlowDisks();

    public Watch(Heartbeats heartbeats, Reports reports) {
        this.heartbeats = heartbeats;
        this.reports = reports;
    }

    /// Another leader's, or of an earlier leadership, are the reports from now on.
    public void clear() {
        reports.clear();
        slow.clear();
    }

    /// A gateway says which disks fail it, see [comet.port.MetaClient#report].
    ///
    /// @return those of the silent ones that the leader reaches: the fault lies with the gateway.
    ///   Not those that answer calls and yet do not serve, as they say themselves or show by their
    ///   silence.
    public List<DiskLife> report(
            long gatewayId, List<DiskLife> silent, List<DiskLife> slowOnes, long nowNs) {
        slowOnes.forEach(life -> slow.said(gatewayId, life, nowNs));
        Facts facts = heartbeats.at(nowNs);
        List<DiskLife> reached = new ArrayList<>();
        for (DiskLife life : silent) {
            reports.said(gatewayId, life, nowNs);
            boolean serves = facts.disk(life.diskId(), life.bootId()) == Liveness.State.ALIVE;
            if (serves
                    && reports.verdict(life, facts.gateways(), nowNs) == Reports.Verdict.REACHED) {
                reached.add(life);
            }
        }
        return reached;
    }

    /// What is to be proposed now: each can be missed by some placement group.
    public List<Command.Unreachable> look(ClusterMap map, long nowNs) {
        Facts facts = heartbeats.look(nowNs);
        List<DiskLife> reported = reports.unreachable(facts.gateways(), nowNs);
        List<DiskLife> tooSlow = slow.found(map, facts, nowNs);
        Facts fresh = heartbeats.fresh(nowNs, reported);
        ArrayList<Command.Unreachable> found = new ArrayList<>();
        for (DiskInfo disk : map.disks()) {
            DiskLife life = new DiskLife(disk.diskId(), disk.bootId());
            String why = why(map, life, facts, reported);
            if (why == null && tooSlow.contains(life)) {
                why = Command.Unreachable.SLOW;
            }
            if (why == null) {
                continue;
            }
            // Who is missed sooner than by silence may have gone together with others: they may go
            // on without it only where one of them was heard of since.
            boolean silent = Command.Unreachable.SILENT.equals(why);
            List<Integer> pgs = missedBy(map, life, silent ? facts : fresh);
            boolean wanted =
                    !Command.Unreachable.SLOW.equals(why)
                            || !pgs.isEmpty() && slow.leave(map, life, nowNs);
            if (!pgs.isEmpty() && wanted) {
                found.add(
                        new Command.Unreachable(
                                life.diskId(), life.bootId(), why, silent ? List.of() : pgs));
            }
        }
        return found;
    }

    /// To be told of every answer, see [Heartbeats#answered].
    public void answered(Command command, Reply reply, long nowNs) {
        heartbeats.answered(command, reply, nowNs);
        if (command instanceof Command.RegisterDisk disk && reply instanceof Reply.DiskStarted) {
            reports.started(disk.diskId());
            slow.started(disk.diskId());
        }
    }

    /// Why a disk may not come back yet: others would wait for it again. Null where it may.
    public @Nullable String objection(Command.Recovering back, long nowNs) {
        DiskLife life = new DiskLife(back.diskId(), back.bootId());
        if (heartbeats.saidGoodbye(life)) {
            return "disk " + life.diskId() + " has said that it serves no longer";
        }
        if (slow.isHeld(life, nowNs)) {
            return "disk "
                    + life.diskId()
                    + " was far slower than others a while ago;"
                    + " started anew, it comes back at once";
        }
        List<Long> gateways = heartbeats.at(nowNs).gateways();
        return reports.verdict(life, gateways, nowNs) == Reports.Verdict.UNREACHABLE
                ? "gateways do not reach disk " + life.diskId()
                : null;
    }

    private @Nullable String why(
            ClusterMap map, DiskLife life, Facts facts, List<DiskLife> reported) {
        if (life.bootId() == 0) {
            return null;
        }
        Liveness.State state = facts.disk(life.diskId(), life.bootId());
        if (state == Liveness.State.DEAD) {
            if (!heartbeats.saidGoodbye(life)) {
                return Command.Unreachable.SILENT;
            }
            // A cluster that is stopped as a whole is to start again with all its copies.
            return isInUse(map, facts) ? Command.Unreachable.GONE : null;
        }
        // Who was not heard of yet may be starting: it has the time that silence has.
        boolean heard = state == Liveness.State.ALIVE;
        return heard && reported.contains(life) ? Command.Unreachable.REPORTED : null;
    }

    private static boolean isInUse(ClusterMap map, Facts facts) {
        for (VolumeInfo volume : map.volumes()) {
            VolumeInfo.Attachment held = volume.attachment();
            if (held != null && facts.gateways().contains(held.gatewayId())) {
                return true;
            }
        }
        return false;
    }

    /// The placement groups that can do without it.
    private static List<Integer> missedBy(ClusterMap map, DiskLife life, Facts facts) {
        List<Integer> pgs = new ArrayList<>();
        for (int pg = 0; pg < map.pgCount(); pg++) {
            if (LossRules.canDoWithout(map.pg(pg), life.diskId(), life.bootId(), facts)) {
                pgs.add(pg);
            }
        }
        return pgs;
    }
}
