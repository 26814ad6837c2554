package comet.meta;

import comet.cluster.Command;
import comet.cluster.DiskInfo;
import comet.cluster.MemberState;
import comet.cluster.NodeInfo;
import comet.cluster.PgConfig;
import comet.cluster.PgConfig.Member;
import comet.cluster.Reply;
import comet.cluster.ScrubCounts;
import comet.cluster.ScrubReport;
import comet.port.Events.Level;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/// Decisions about disks, told as events.
final class DiskStory {
    /// After these a disk recovers, and it is told when it has done so.
    private static final List<String> RECOVERS = List.of("disk-came-back", "disk-restarted");

    private static final String IN_SYNC = "disk-in-sync";

    private final Story story;
    private final GroupState state;
    private final Submission submission;
    private final Decision decision;

    /// Placement groups as they will be, those that change.
    private final TreeMap<Integer, PgConfig> changed = new TreeMap<>();

    DiskStory(Story story, GroupState state, Submission submission, Decision decision) {
        this.story = story;
        this.state = state;
        this.submission = submission;
        this.decision = decision;
        for (GroupRecord record : decision.records()) {
            if (record instanceof GroupRecord.PgSet set) {
                changed.put(set.pg().pg(), set.pg());
            }
        }
    }

    @Nullable GroupEvent tell() {
        return switch (submission.command()) {
            case Command.AddDisk c -> added(c);
            case Command.RegisterDisk c -> started(c);
            case Command.AcceptDataLoss c ->
                    story.disk(Level.WARN, "data-loss-accepted", c.diskId())
                            .because("the operator's word")
                            .then(
                                    "it may start without another copy although durable records"
                                            + " of it are damaged: acknowledged writes may be lost")
                            .made();
            case Command.ForceAvailable _ -> forced();
            case Command.Unreachable c -> leftBehind(c);
            case Command.Recovering c ->
                    changed.isEmpty()
                            ? null
                            : story.disk(Level.INFO, "disk-came-back", c.diskId())
                                    .by(story.diskName(c.diskId()))
                                    .because("it serves, and was left behind")
                                    .then("it recovers in " + groups(changed.size()))
                                    .made();
            case Command.InSync c -> inSync(c);
            case Command.NewEpoch _ -> null;
            case Command.Scrubbed c -> scrubbed(c.report());
            case Command.OrderScrub c ->
                    c.pg() < 0
                            ? story.disk(Level.INFO, "scrub-ordered", c.diskId()).made()
                            : story.event(Level.INFO, "scrub-ordered", "placement group " + c.pg())
                                    .made();
            default -> other();
        };
    }

    private @Nullable GroupEvent added(Command.AddDisk command) {
        if (!(decision.reply() instanceof Reply.Id id)) {
            return null;
        }
        NodeInfo known = state.nodes.get(command.nodeId());
        String node = known == null ? "node " + command.nodeId() : known.name();
        return story.event(Level.INFO, "disk-added", "disk " + id.id() + " on " + node)
                .disk((int) id.id())
                .by("node " + node)
                .then("in domain " + command.domain())
                .made();
    }

    private @Nullable GroupEvent started(Command.RegisterDisk command) {
        int diskId = command.diskId();
        String self = story.diskName(diskId);
        if (decision.reply() instanceof Reply.Refused refused) {
            return story.disk(Level.ERROR, "disk-refused", diskId)
                    .by(self)
                    .because(refused.message())
                    .then("it does not serve")
                    .made();
        }
        DiskInfo before = state.disks.get(diskId);
        if (before == null) {
            return null;
        }
        if (before.bootId() == 0) {
            return story.disk(Level.INFO, "disk-started", diskId)
                    .by(self)
                    .because("its first start")
                    .then("it takes part in " + groups(count(diskId, null)))
                    .made();
        }
        int recovering = count(diskId, MemberState.RECOVERING);
        int alone = count(diskId, MemberState.IN_SYNC);
        String what = recovering == 0 ? "nothing is lost" : "it recovers in " + groups(recovering);
        if (command.clean() && !command.damaged()) {
            return story.disk(
                            Level.INFO, recovering > 0 ? "disk-came-back" : "disk-started", diskId)
                    .by(self)
                    .because("it was stopped cleanly and starts again")
                    .then(what)
                    .made();
        }
        if (alone > 0) {
            String serves = "it goes on in " + groups(alone) + " without another copy that lives";
            what = recovering == 0 ? serves : what + ", and " + serves;
        }
        return story.disk(Level.WARN, "disk-restarted", diskId)
                .by(self)
                .because(
                        command.damaged()
                                ? "durable records of it are damaged"
                                : "it was not stopped cleanly: unsynced writes may be missing there")
                .then(what)
                .made();
    }

    /// Grave in any case: what is lost is lost for ever.
    private @Nullable GroupEvent forced() {
        if (changed.isEmpty()) {
            return null;
        }
        TreeSet<Integer> from = new TreeSet<>();
        TreeSet<Integer> without = new TreeSet<>();
        int emptied = 0;
        for (PgConfig after : changed.values()) {
            boolean kept = false;
            for (Member before : state.pg(after.pg()).members()) {
                Member now = after.member(before.diskId());
                boolean trusted = now != null && now.state() == MemberState.IN_SYNC;
                kept |= trusted;
                if (trusted) {
                    from.add(before.diskId());
                } else if (before.state() == MemberState.IN_SYNC) {
                    without.add(before.diskId());
                }
            }
            emptied += kept ? 0 : 1;
        }
        String subject =
                changed.size() == 1
                        ? "placement group " + changed.firstKey()
                        : changed.size() + " placement groups";
        String what = "acknowledged writes that only disks " + without + " had are lost";
        if (!from.isEmpty()) {
            what = "they go on from the older copies of disks " + from + "; " + what;
        }
        if (emptied > 0) {
            what = groups(emptied) + " begin anew with nothing; " + what;
        }
        return story.event(Level.ERROR, "data-loss-forced", subject)
                .because("the operator's word")
                .then(what)
                .made();
    }

    private @Nullable GroupEvent leftBehind(Command.Unreachable command) {
        int diskId = command.diskId();
        if (changed.isEmpty()) {
            return null;
        }
        int lastCopies = 0;
        for (PgConfig pg : changed.values()) {
            lastCopies += pg.inSyncCount() == 1 ? 1 : 0;
        }
        int waiting = 0;
        for (int pg = 0; pg < state.pgCount(); pg++) {
            Member member = state.pg(pg).member(diskId);
            boolean counts = member != null && member.state() == MemberState.IN_SYNC;
            waiting += counts && !changed.containsKey(pg) ? 1 : 0;
        }
        String what = groups(changed.size()) + " go on without it";
        if (lastCopies > 0) {
            what += ", " + lastCopies + " with one copy";
        }
        if (waiting > 0) {
            what += "; " + groups(waiting) + " wait for it, which holds the last copy";
        }
        return story.disk(Level.WARN, "disk-left-behind", diskId)
                .by(story.leader())
                .because(why(command.why()))
                .then(what)
                .made();
    }

    private static String why(String word) {
        return switch (word) {
            case Command.Unreachable.GONE -> "it said itself that it serves no longer";
            case Command.Unreachable.REPORTED -> "it does not answer, as gateways have reported";
            case Command.Unreachable.SLOW ->
                    "it is far slower than others for long, as gateways have reported";
            case Command.Unreachable.SILENT, "" ->
                    "it was silent for " + Heartbeats.TIMEOUT_NS / 1_000_000_000L + " s";
            default -> word;
        };
    }

    /// Told once, when the disk recovers nowhere any more and was said to recover.
    private @Nullable GroupEvent inSync(Command.InSync command) {
        int diskId = command.diskId();
        int groups = 0;
        for (int n = 0; n < state.pgCount(); n++) {
            Member member = changed.getOrDefault(n, state.pg(n)).member(diskId);
            if (member != null && member.state() != MemberState.IN_SYNC) {
                return null;
            }
            groups += member == null ? 0 : 1;
        }
        GroupEvent began = state.lastEvent(diskId, RECOVERS, IN_SYNC);
        if (changed.isEmpty() || began == null) {
            return null;
        }
        String took = "";
        if (began.timeMs() > 0 && story.timeMs() > began.timeMs()) {
            double seconds = (story.timeMs() - began.timeMs()) / 1000.0;
            took = String.format(Locale.ROOT, "after %.1f s, ", seconds);
        }
        return story.disk(Level.INFO, IN_SYNC, diskId)
                .by(story.diskName(diskId))
                .because(took + Story.size(command.copiedBytes()) + " copied")
                .then(groups(groups) + " have it as a copy again")
                .made();
    }

    /// Told where something was found.
    private @Nullable GroupEvent scrubbed(ScrubReport report) {
        ScrubCounts counts = report.counts();
        if (counts.errors() == 0 && counts.differences() == 0 && counts.conflicts() == 0) {
            return null;
        }
        String found =
                "%d blocks failed, %d of them repaired; %d chunks were behind, %d of them levelled; %d chunks contradict their copies"
                        .formatted(
                                counts.errors(),
                                counts.repaired(),
                                counts.differences(),
                                counts.levelled(),
                                counts.conflicts());
        return story.disk(counts.bad() ? Level.ERROR : Level.WARN, "scrub-found", report.diskId())
                .by(story.diskName(report.diskId()))
                .because("it was scrubbed")
                .then(found)
                .made();
    }

    /// A command about disks of which no more is known: what it changes of each.
    private @Nullable GroupEvent other() {
        for (GroupRecord record : decision.records()) {
            if (record instanceof GroupRecord.DiskSet set) {
                DiskInfo after = set.disk();
                DiskInfo before = state.disks.get(after.diskId());
                String what = before == null ? "" : changes(before, after);
                if (!what.isEmpty()) {
                    return story.disk(Level.INFO, "disk-changed", after.diskId()).then(what).made();
                }
            }
        }
        return null;
    }

    private static String changes(DiskInfo before, DiskInfo after) {
        TreeMap<String, String> changes = new TreeMap<>();
        if (before.state() != after.state()) {
            changes.put("state", after.state().name().toLowerCase(Locale.ROOT));
        }
        if (before.weight() != after.weight()) {
            changes.put("weight", Story.size(after.weight()));
        }
        StringBuilder text = new StringBuilder();
        for (Map.Entry<String, String> change : changes.entrySet()) {
            text.append(text.isEmpty() ? "" : ", ")
                    .append(change.getKey())
                    .append(' ')
                    .append(change.getValue());
        }
        return text.toString();
    }

    /// Changed groups with the disk in that state, or in any.
    private int count(int diskId, @Nullable MemberState in) {
        int count = 0;
        for (PgConfig pg : changed.values()) {
            Member member = pg.member(diskId);
            count += member != null && (in == null || member.state() == in) ? 1 : 0;
        }
        return count;
    }

    private static String groups(int count) {
        return count + (count == 1 ? " placement group" : " placement groups");
    }
}
