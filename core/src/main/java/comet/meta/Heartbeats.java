package comet.meta;

import comet.base.Check;
import comet.cluster.Command;
import comet.cluster.DiskLife;
import comet.cluster.Reply;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;

/// The leader's soft state: when it last heard from whom. A new leader begins with nothing and
/// declares nobody dead before a full timeout. Not safe for several threads.
public final class Heartbeats {
    /// How often nodes and gateways report.
    public static final long INTERVAL_NS = 500_000_000L;

    /// How long one may be silent before it counts as dead.
    public static final long TIMEOUT_NS = 3_000_000_000L;

    /// Two intervals: who died a second ago has not been heard of since.
    private static final long FRESH_NS = 2 * INTERVAL_NS;

    /// Between two looks of a leader that did not stand still, at most: several times the usual.
    private static final long STOOD_STILL_NS = 1_000_000_000L;

    private final long timeoutNs;
    private long leaderSinceNs;
    private long lookedNs;
    private final TreeMap<Long, Long> gateways = new TreeMap<>();
    private final TreeMap<Integer, Beat> disks = new TreeMap<>();
    private final TreeMap<Integer, Long> ended = new TreeMap<>();

    /// Lives of disks that have said that they serve no longer.
    private final TreeMap<Integer, Long> gone = new TreeMap<>();

    private record Beat(long bootId, long atNs) {}

    /// When somebody was last heard of.
    ///
    /// @param bootId of a disk; 0 for a gateway
    public record Seen(long id, long bootId, long agoNs, boolean alive) {}

    public Heartbeats(long timeoutNs) {
        Check.that(timeoutNs > 0, "timeout", timeoutNs, 0);
        this.timeoutNs = timeoutNs;
    }

    /// This member leads from now on: what an earlier leader, or this one earlier, saw is void.
    public void lead(long nowNs) {
        leaderSinceNs = nowNs;
        lookedNs = nowNs;
        gateways.clear();
        disks.clear();
        ended.clear();
        gone.clear();
    }

    public void gatewayBeat(long gatewayId, long nowNs) {
        gateways.put(gatewayId, nowNs);
    }

    /// A disk that serves says so.
    public void diskBeat(int diskId, long bootId, long nowNs) {
        Beat known = disks.get(diskId);
        if (known == null || bootId >= known.bootId) {
            disks.put(diskId, new Beat(bootId, nowNs));
            gone.remove(diskId);
        }
    }

    /// A disk serves no longer, as it says itself: it counts as dead at once.
    public void goodbye(DiskLife life, long nowNs) {
        Beat known = disks.get(life.diskId());
        if (known == null || life.bootId() >= known.bootId) {
            disks.put(life.diskId(), new Beat(life.bootId(), nowNs - timeoutNs - 1));
            gone.put(life.diskId(), life.bootId());
        }
    }

    /// Whether it has said so and was not heard of since.
    boolean saidGoodbye(DiskLife life) {
        return gone.getOrDefault(life.diskId(), 0L) == life.bootId();
    }

    /// To be told of every answer. A gateway that was registered lives. A disk that was started
    /// lives; one that must wait proves by its asking that its earlier lives have ended, which may
    /// be all that another one waits for.
    public void answered(Command command, Reply reply, long nowNs) {
        if (command instanceof Command.RegisterGateway && reply instanceof Reply.Id id) {
            gatewayBeat(id.id(), nowNs);
        } else if (command instanceof Command.Recovering back && reply instanceof Reply.Done) {
            diskBeat(back.diskId(), back.bootId(), nowNs);
        } else if (command instanceof Command.RegisterDisk disk) {
            if (reply instanceof Reply.DiskStarted started) {
                diskBeat(disk.diskId(), started.bootId(), nowNs);
            } else if (reply instanceof Reply.Refused refused
                    && refused.code().equals(DiskRules.WAIT_FOR_PEER)
                    && !disk.clean()) {
                ended.merge(disk.diskId(), disk.startCount(), Math::max);
            }
        }
    }

    /// As [#at], for who looks regularly: a leader that stood still itself has heard nobody
    /// meanwhile, and begins to count anew.
    public Facts look(long nowNs) {
        if (nowNs - lookedNs > STOOD_STILL_NS) {
            leaderSinceNs = nowNs;
        }
        lookedNs = nowNs;
        return at(nowNs);
    }

    /// As [#at], where only those disks count as alive that were heard of in the last second.
    ///
    /// @param without that are not counted either
    Facts fresh(long nowNs, List<DiskLife> without) {
        Facts all = at(nowNs);
        List<DiskLife> heard = new ArrayList<>();
        for (DiskLife life : all.disks()) {
            Beat beat = disks.get(life.diskId());
            if (beat != null && nowNs - beat.atNs < FRESH_NS && !without.contains(life)) {
                heard.add(life);
            }
        }
        return new Facts(all.leaderIsNew(), all.gateways(), heard, all.ended());
    }

    /// What there is to say now.
    public Facts at(long nowNs) {
        ArrayList<Long> aliveGateways = new ArrayList<>();
        gateways.forEach((id, atNs) -> {
            if (nowNs - atNs <= timeoutNs) {
                aliveGateways.add(id);
            }
        });
        ArrayList<DiskLife> aliveDisks = new ArrayList<>();
        disks.forEach((id, beat) -> {
            if (nowNs - beat.atNs <= timeoutNs) {
                aliveDisks.add(new DiskLife(id, beat.bootId));
            }
        });
        ArrayList<DiskLife> endedLives = new ArrayList<>();
        ended.forEach((id, startCount) -> endedLives.add(new DiskLife(id, startCount)));
        boolean leaderIsNew = nowNs - leaderSinceNs < timeoutNs;
        return new Facts(leaderIsNew, aliveGateways, aliveDisks, endedLives);
    }

    public List<Seen> gatewaysSeen(long nowNs) {
        ArrayList<Seen> seen = new ArrayList<>();
        gateways.forEach(
                (id, atNs) -> seen.add(new Seen(id, 0, nowNs - atNs, nowNs - atNs <= timeoutNs)));
        return seen;
    }

    public List<Seen> disksSeen(long nowNs) {
        ArrayList<Seen> seen = new ArrayList<>();
        disks.forEach((id, beat) -> {
            long agoNs = nowNs - beat.atNs;
            seen.add(new Seen(id, beat.bootId, agoNs, agoNs <= timeoutNs));
        });
        return seen;
    }
}
