package comet.replica;

import comet.cluster.Command;
import comet.cluster.PgConfig;
import comet.port.Events.Level;
import comet.replica.ApplyRules.Role;
import comet.replica.Recovery.Phase;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/// The placement groups in which this disk is RECOVERING: a few are compared at a time; those that
/// are ready are collected for a moment, synced together and promoted by one command.
final class Recoveries {
    private final DiskServer disk;
    private final PeerLinks links;
    private final TreeMap<Integer, Recovery> recoveries = new TreeMap<>();
    private final WaitingGroups waiting = new WaitingGroups();
    private final TreeSet<Integer> active = new TreeSet<>();
    private final LinkedHashSet<Recovery> ready = new LinkedHashSet<>();
    private final LinkedHashSet<Recovery> wantNewEpoch = new LinkedHashSet<>();
    private boolean collecting;
    private long newEpochAtNs = Long.MIN_VALUE;
    private long noSpaceAtNs = Long.MIN_VALUE;
    private long sparingAtNs = Long.MIN_VALUE;

    /// Thousands of groups may ask.
    private long lookForRoomNs = Long.MIN_VALUE;

    private int promotedSince;

    /// What was copied before this disk began to recover.
    private long copiedBefore;

    Recoveries(DiskServer disk, PeerLinks links) {
        this.disk = disk;
        this.links = links;
    }

    PeerLinks links() {
        return links;
    }

    @Nullable Recovery of(int pg) {
        return recoveries.isEmpty() ? null : recoveries.get(pg);
    }

    Collection<Recovery> all() {
        return recoveries.values();
    }

    /// A placement group has a new configuration.
    void onEpoch(PgConfig config, Role role) {
        int pg = config.pg();
        Recovery before = recoveries.remove(pg);
        waiting.remove(pg);
        active.remove(pg);
        if (before != null) {
            ready.remove(before);
            wantNewEpoch.remove(before);
        }
        if (role == Role.RECOVERING) {
            if (recoveries.isEmpty() && before == null) {
                copiedBefore = disk.counters().bytesCopied;
            }
            recoveries.put(pg, new Recovery(disk, this, config));
            waiting.add(pg);
        }
        if (before != null) {
            if (role == Role.IN_SYNC) {
                disk.counters().promotions++;
                promotedSince++;
            }
            // Last: what it held back goes on in the new epoch.
            before.close();
        }
        disk.loop().execute(this::startNext);
        if (promotedSince > 0 && recoveries.isEmpty()) {
            disk.event(Level.INFO, "replica-recovered", "pgs=" + promotedSince);
            promotedSince = 0;
            disk.folder().recovered();
        }
    }

    /// A guest has written to a group that may still wait.
    void written(int pg) {
        waiting.written(pg);
    }

    private void startNext() {
        while (active.size() < Limits.RECOVERIES_MAX && !waiting.isEmpty() && disk.serving()) {
            Recovery next = recoveries.get(waiting.take());
            if (next != null) {
                active.add(next.pg());
                next.start();
            }
        }
    }

    // Promotion.

    void ready(Recovery recovery) {
        ready.add(recovery);
        if (active.remove(recovery.pg())) {
            disk.loop().execute(this::startNext);
        }
        if (!collecting) {
            collecting = true;
            disk.loop().schedule(Limits.PROMOTION_BATCH_NS, this::syncReady);
        }
    }

    private void syncReady() {
        collecting = false;
        ready.removeIf(recovery -> recovery.phase() != Phase.READY);
        if (ready.isEmpty() || !disk.serving()) {
            return;
        }
        if (!disk.space().roomForWriters()) {
            // It may take until somebody deletes something.
            noSpace();
            List<Recovery> all = List.copyOf(ready);
            ready.clear();
            all.forEach(Recovery::notReady);
            return;
        }
        List<Recovery> batch = new ArrayList<>();
        for (Recovery recovery : ready) {
            if (batch.size() < Limits.PROMOTION_PGS_MAX) {
                batch.add(recovery);
            }
        }
        batch.forEach(ready::remove);
        List<Integer> counts = batch.stream().map(Recovery::readyCount).toList();
        disk.store()
                .sync(
                        disk.store().appliedSequence(),
                        (_, errno) -> {
                            if (errno < 0) {
                                disk.failed(errno);
                            } else {
                                // Who is in sync has written down before that it is a member.
                                disk.whenNoted(() -> ask(batch, counts));
                            }
                        },
                        0);
        if (!ready.isEmpty()) {
            collecting = true;
            disk.loop().schedule(Limits.PROMOTION_BATCH_NS, this::syncReady);
        }
    }

    /// Whether a group in which nothing differs may be promoted; where not, others are compared
    /// meanwhile.
    boolean roomForWriters(Recovery recovery) {
        long now = disk.loop().nowNs();
        if (now >= lookForRoomNs && disk.space().roomForWriters()) {
            return true;
        }
        if (now >= lookForRoomNs) {
            lookForRoomNs = now + Limits.RETRY_NS;
            noSpace();
        }
        if (active.remove(recovery.pg())) {
            disk.loop().execute(this::startNext);
        }
        return false;
    }

    /// @param counts which time they were ready when the sync began
    private void ask(List<Recovery> batch, List<Integer> counts) {
        List<Command.PgEpoch> pgs = new ArrayList<>();
        List<Recovery> asked = new ArrayList<>();
        for (int n = 0; n < batch.size(); n++) {
            Recovery recovery = batch.get(n);
            boolean still =
                    recovery.phase() == Phase.READY && recovery.readyCount() == counts.get(n);
            if (still && of(recovery.pg()) == recovery) {
                recovery.nowAsked();
                asked.add(recovery);
                pgs.add(new Command.PgEpoch(recovery.pg(), recovery.epoch()));
            }
        }
        if (pgs.isEmpty()) {
            return;
        }
        long copied = disk.counters().bytesCopied - copiedBefore;
        Command command = new Command.InSync(disk.identity().diskId(), pgs, copied);
        disk.parts()
                .meta()
                .submit(
                        command,
                        reply ->
                                disk.view()
                                        .atLeast(
                                                reply.revision(),
                                                () -> disk.whenNoted(() -> outcome(asked))));
    }

    /// What was decided is known, and acted upon.
    private static void outcome(List<Recovery> asked) {
        asked.forEach(Recovery::notPromoted);
    }

    // Trouble.

    /// There is no space for a copy, or for writers.
    void noSpace() {
        long now = disk.loop().nowNs();
        if (now >= sparingAtNs) {
            sparingAtNs = now + Limits.NO_SPACE_RETRY_NS;
            // Until it is tried again, and again.
            disk.creditShare().sparing(now + 3 * Limits.NO_SPACE_RETRY_NS);
        }
        if (now >= noSpaceAtNs) {
            noSpaceAtNs = now + Limits.NO_SPACE_EVENT_NS;
            disk.event(Level.WARN, "recovery-no-space", "waiting=" + recoveries.size());
        }
    }

    /// The group is asked, not too often, for a new epoch with the same members.
    void newEpoch(Recovery recovery) {
        wantNewEpoch.add(recovery);
    }

    void tick() {
        long now = disk.loop().nowNs();
        for (Recovery recovery : List.copyOf(recoveries.values())) {
            recovery.tick(now);
        }
        if (wantNewEpoch.isEmpty() || now < newEpochAtNs) {
            return;
        }
        newEpochAtNs = now + Limits.NEW_EPOCH_INTERVAL_NS;
        List<Command.PgEpoch> pgs = new ArrayList<>();
        for (Recovery recovery : wantNewEpoch) {
            pgs.add(new Command.PgEpoch(recovery.pg(), recovery.epoch()));
        }
        wantNewEpoch.clear();
        disk.event(Level.INFO, "notes-dropped", "pgs=" + pgs.size());
        Command command = new Command.NewEpoch(disk.identity().diskId(), pgs);
        disk.parts()
                .meta()
                .submit(command, reply -> disk.view().atLeast(reply.revision(), () -> {}));
    }

    void close() {
        List<Recovery> all = List.copyOf(recoveries.values());
        recoveries.clear();
        all.forEach(Recovery::close);
    }
}
