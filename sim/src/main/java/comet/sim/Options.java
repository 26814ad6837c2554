package comet.sim;

import comet.base.Prng;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/// What one run tries: sizes, habits of its guests and the faults that may happen, all drawn from
/// the seed. Each run switches some features on and others off, so that the rare ones meet runs in
/// which little else hides them.
///
/// @param cellBytes unit of what guests read and write; 512 and aligned, or smaller
/// @param cellShift bytes by which all requests are off the sectors
/// @param faultGapNs mean time between faults
/// @param safetyNs how long faults go on
/// @param unsyncedBytesMax the gateway's bounds of what it keeps and has under way: where they are
///   small, writers wait for room, and their volumes are flushed for it, all the time
/// @param passingWrites volumes that come and go are written to meanwhile
/// @param scrub disks scrub all the time, and in the end they must have found everything
/// @param domains over which the nodes are spread
/// @param rebuildAfterSeconds how long a disk is away before its copies are made anew; 0 for never
record Options(
        int nodeCount,
        int disksPerNode,
        int gatewayCount,
        int volumeCount,
        int volumeChunks,
        int pgCount,
        int windowBytes,
        int cellBytes,
        int cellShift,
        boolean durableVolume,
        Guests.Habits habits,
        long opsPerVolume,
        Set<Fault> faults,
        long faultGapNs,
        long safetyNs,
        int metaLossPerMille,
        long journalBytes,
        long diskBytes,
        int largeBytesMin,
        long unsyncedBytesMax,
        long inFlightBytesMax,
        boolean passingWrites,
        boolean scrub,
        int domains,
        int rebuildAfterSeconds) {

    /// Most data of one journal record, and so of one write.
    static final int RECORD_BYTES_MAX = 64 << 10;

    /// From where on writes go straight to segments: never, nearly always, sometimes.
    private static final int[] LARGE_BYTES = {Integer.MAX_VALUE, 4 << 10, 8 << 10};

    /// Which seeds are crowded: none of those that were kept before there was such a thing, so that
    /// they go on trying what they were kept for.
    private static final long CROWD_SALT = 180_000_540;

    /// Which seeds have nodes away for long.
    private static final long LONELY_SALT = 410_771_233;

    /// Which seeds have volumes that are limited, and an operator who turns the limits.
    private static final long LIMITED_SALT = 733_015_961;

    /// Which seeds have sick gateways and disks.
    private static final long SICK_SALT = 733_905_118;

    /// Which seeds scrub.
    private static final long SCRUB_SALT = 932_118_057;

    /// In which seeds operators change the cluster: none of those that were kept before.
    private static final long MOVE_SALT = 733_114_521;

    /// In which seeds the metadata group is lost.
    private static final long LOSS_SALT = 840_216_377;

    /// What may go wrong.
    enum Fault {
        BREAK_LINK,
        STALL_LINK,
        KILL_GATEWAY,
        STOP_GATEWAY,
        KILL_NODE,
        KILL_ALL_NODES,
        STOP_NODE,
        POWER_NODE,
        POWER_ALL_NODES,
        KILL_EVERYTHING,
        POWER_EVERYTHING,
        PAUSE,
        META_UNREACHABLE,
        META_LEADER,
        TAKEOVER,
        ROT,
        DISK_ERROR,
        SLOW_DISK,
        RESIZE,
        VOLUMES,
        /// A node is gone, or stands still, for longer than the others wait for it. In runs of
        /// their own, see [#LONELY_SALT].
        AWAY,
        /// The group goes on without a disk that lives. In the same runs.
        LEAVE,
        /// The operator limits a volume, or changes the share of recovery. In runs of their own,
        /// see [#LIMITED_SALT].
        OPERATOR,
        /// An operator orders a scrub. In runs of their own, see [#SCRUB_SALT].
        SCRUB,
        /// A gateway and a node do not reach each other. In runs of their own, see [#SICK_SALT].
        CUT,
        /// No operation of a disk ends for a while. In the same runs.
        HANG_DISK,
        /// An operator changes what a disk is to hold; this and the next ones in runs of their own,
        /// see [#MOVE_SALT].
        WEIGHT,
        /// A disk is to be emptied, or one that was takes its share again.
        DRAIN,
        ADD_DISK,
        REMOVE_DISK,
        /// Nothing moves for a while.
        PAUSE_MOVES,
        /// The metadata group is lost, and made anew from the disks. In runs of their own, see
        /// [#LOSS_SALT].
        LOSE_GROUP
    }

    /// Room for so little that guests meet its end.
    boolean smallDisk() {
        return diskBytes < 64L << 20;
    }

    /// Small rings and segments, so that laps, checkpoints and full places are common.
    comet.store.StoreConfig store() {
        return comet.store.StoreConfig.small()
                .withJournal(journalBytes, RECORD_BYTES_MAX)
                .withLarge(largeBytesMin)
                .withSpace(1 << 20, 0, 1 << 20);
    }

    comet.volume.GatewayConfig gateway() {
        comet.volume.GatewayConfig usual = comet.volume.GatewayConfig.defaults();
        return new comet.volume.GatewayConfig(
                inFlightBytesMax,
                Math.min(usual.volumeInFlightBytesMax(), inFlightBytesMax),
                unsyncedBytesMax,
                usual.blockMapsMax(),
                usual.detachAfterNs(),
                usual.silenceNs());
    }

    static Options of(long seed) {
        Prng prng = new Prng(Prng.mix(seed + 0x5EED));
        boolean odd = prng.chance(1, 4);
        int cellBytes = odd ? (prng.chance(1, 2) ? 64 : 16) : 512;
        int shift = odd && prng.chance(1, 2) ? 1 + prng.nextInt(cellBytes - 1) : 0;
        int windowBytes = odd ? 8 << 10 : prng.chance(1, 6) ? 256 << 10 : 32 << 10;
        int readPercent = 20 + prng.nextInt(50);
        int rest = 100 - readPercent;
        Guests.Habits habits =
                new Guests.Habits(
                        1 + prng.nextInt(4),
                        1 + prng.nextInt(8),
                        prng.chance(1, 3) ? 60_000_000 : 6_000_000,
                        odd ? 200 : prng.chance(1, 4) ? 8 : 40,
                        readPercent,
                        prng.chance(1, 3) ? 0 : 1 + prng.nextInt(10),
                        prng.chance(1, 2) ? 0 : prng.nextInt(20),
                        prng.chance(1, 2) ? 0 : Math.min(rest / 5, 8),
                        prng.chance(1, 2) ? 0 : Math.min(rest / 5, 8),
                        prng.chance(1, 2) ? 0 : Math.min(rest / 5, 6),
                        prng.chance(1, 3));
        boolean wide = prng.chance(1, 5);
        long journalBytes = prng.chance(1, 2) ? 1 << 20 : 4 << 20;
        Options drawn =
                new Options(
                        wide ? 3 + prng.nextInt(2) : 2,
                        prng.chance(1, 6) ? 2 : 1,
                        1 + prng.nextInt(2),
                        prng.chance(1, 4) ? 2 : 1,
                        1 + prng.nextInt(3),
                        1 << prng.nextInt(4),
                        windowBytes,
                        cellBytes,
                        shift,
                        prng.chance(1, 5),
                        habits,
                        150 + prng.nextInt(250),
                        faults(prng),
                        20_000_000L << prng.nextInt(6),
                        1_000_000_000L + prng.nextLong(4_000_000_000L),
                        prng.chance(1, 3) ? 50 : 0,
                        journalBytes,
                        prng.chance(1, 10)
                                ? journalBytes + (3L << 20) + prng.nextLong(5 << 20)
                                : 1L << 30,
                        LARGE_BYTES[prng.nextInt(LARGE_BYTES.length)],
                        comet.volume.GatewayConfig.defaults().unsyncedBytesMax(),
                        comet.volume.GatewayConfig.defaults().inFlightBytesMax(),
                        false,
                        false,
                        2,
                        0);
        Prng crowd = new Prng(Prng.mix(seed + CROWD_SALT));
        Options made = crowd.chance(1, 4) ? drawn.crowded(crowd) : drawn;
        Prng lonely = new Prng(Prng.mix(seed + LONELY_SALT));
        made = lonely.chance(1, 4) && !made.faults.isEmpty() ? made.lonely(lonely) : made;
        Prng limited = new Prng(Prng.mix(seed + LIMITED_SALT));
        made = limited.chance(1, 6) && !made.faults.isEmpty() ? made.limited() : made;
        Prng scrub = new Prng(Prng.mix(seed + SCRUB_SALT));
        made = scrub.chance(1, 4) ? made.scrubbed(scrub) : made;
        Prng sick = new Prng(Prng.mix(seed + SICK_SALT));
        made = sick.chance(1, 6) && !made.faults.isEmpty() ? made.sick(sick) : made;
        Prng moving = new Prng(Prng.mix(seed + MOVE_SALT));
        made = moving.chance(1, 4) && !made.faults.isEmpty() ? made.moving(moving) : made;
        Prng loss = new Prng(Prng.mix(seed + LOSS_SALT));
        return loss.chance(1, 8) && !made.faults.isEmpty() ? made.losing(loss) : made;
    }

    /// The same with disks that scrub; half of those that have faults have rot among them.
    Options scrubbed(Prng prng) {
        EnumSet<Fault> more = EnumSet.noneOf(Fault.class);
        more.addAll(faults);
        if (!more.isEmpty()) {
            more.add(Fault.SCRUB);
            if (prng.chance(1, 2)) {
                more.add(Fault.ROT);
            }
        }
        Draft draft = new Draft(this);
        draft.faults = more;
        draft.scrub = true;
        return draft.done();
    }

    /// Quick laps one after the other, or none.
    comet.replica.ScrubConfig scrubs() {
        return new comet.replica.ScrubConfig(scrub ? 64 << 20 : 0, 200_000_000, 4_000_000_000L);
    }

    /// The same with an operator.
    Options limited() {
        EnumSet<Fault> more = EnumSet.of(Fault.OPERATOR);
        more.addAll(faults);
        return withFaults(more);
    }

    /// The same with operators who change the cluster while it serves.
    Options moving(Prng prng) {
        EnumSet<Fault> more = EnumSet.noneOf(Fault.class);
        more.addAll(faults);
        List<Fault> changes = List.of(Fault.WEIGHT, Fault.DRAIN, Fault.ADD_DISK, Fault.REMOVE_DISK);
        for (Fault change : changes) {
            if (prng.chance(2, 3)) {
                more.add(change);
            }
        }
        more.add(changes.get(prng.nextInt(changes.size())));
        if (prng.chance(1, 4)) {
            more.add(Fault.PAUSE_MOVES);
        }
        Draft draft = new Draft(this);
        draft.nodeCount = 3 + prng.nextInt(2);
        draft.domains = 2 + prng.nextInt(2);
        draft.pgCount = Math.max(pgCount, 4 << prng.nextInt(3));
        draft.volumeChunks = Math.max(volumeChunks, 2 + prng.nextInt(3));
        draft.faults = more;
        draft.faultGapNs = Math.max(faultGapNs, 150_000_000L << prng.nextInt(3));
        draft.safetyNs = Math.max(safetyNs, 8_000_000_000L + prng.nextLong(12_000_000_000L));
        draft.habits = habits.withThink(20_000_000L << prng.nextInt(3));
        draft.diskBytes = 1L << 30;
        draft.rebuildAfterSeconds = prng.chance(1, 2) ? 0 : 1 + prng.nextInt(7);
        if (draft.rebuildAfterSeconds > 0) {
            more.add(Fault.AWAY);
            draft.safetyNs = Math.max(draft.safetyNs, 20_000_000_000L);
        }
        return draft.done();
    }

    /// The same where many guests share little memory in the gateway, and flush all the time.
    Options crowded(Prng prng) {
        Guests.Habits calm = habits;
        boolean flushing = prng.chance(2, 3);
        Guests.Habits crowded =
                new Guests.Habits(
                        2 + prng.nextInt(3),
                        4 + prng.nextInt(12),
                        prng.chance(1, 2) ? 3_000_000 : 500_000,
                        calm.opCells(),
                        flushing ? 15 : calm.readPercent(),
                        flushing ? 20 + prng.nextInt(25) : calm.flushPercent(),
                        prng.chance(2, 3) ? 0 : calm.fuaPercent(),
                        calm.zeroPercent(),
                        calm.trimPercent(),
                        calm.statusPercent(),
                        calm.wholeChunks());
        EnumSet<Fault> more = EnumSet.noneOf(Fault.class);
        more.addAll(faults);
        if (!more.isEmpty() && prng.chance(1, 2)) {
            more.add(Fault.POWER_EVERYTHING);
            more.add(Fault.SLOW_DISK);
        }
        Draft draft = new Draft(this);
        draft.volumeCount = 1 + prng.nextInt(3);
        draft.durableVolume = durableVolume && !flushing;
        draft.habits = crowded;
        draft.faults = more;
        draft.unsyncedBytesMax = (8L << 10) << prng.nextInt(5);
        draft.inFlightBytesMax = (16L << 10) << prng.nextInt(5);
        draft.passingWrites = true;
        return draft.done();
    }

    /// The same with time for the others to go on without a node, for a while or for the rest.
    Options lonely(Prng prng) {
        EnumSet<Fault> more =
                prng.chance(1, 2) ? EnumSet.of(Fault.AWAY) : EnumSet.of(Fault.AWAY, Fault.LEAVE);
        more.addAll(faults);
        Draft draft = new Draft(this);
        draft.habits = habits.withThink(100_000_000L << prng.nextInt(3));
        draft.faults = more;
        draft.faultGapNs = Math.max(faultGapNs, 300_000_000L << prng.nextInt(4));
        draft.safetyNs = 20_000_000_000L + prng.nextLong(20_000_000_000L);
        return draft.done();
    }

    /// The same with gateways that are cut off from nodes, and devices that hang.
    Options sick(Prng prng) {
        Draft draft = new Draft(this);
        draft.habits = habits.withThink(Math.max(habits.thinkNsMax(), 50_000_000));
        EnumSet<Fault> more = EnumSet.of(Fault.CUT, Fault.HANG_DISK);
        more.addAll(faults);
        draft.faults = more;
        draft.gatewayCount = 1 + prng.nextInt(3);
        draft.faultGapNs = Math.max(faultGapNs, 300_000_000L << prng.nextInt(4));
        draft.safetyNs = Math.max(safetyNs, 15_000_000_000L + prng.nextLong(15_000_000_000L));
        return draft.done();
    }

    /// The same where the metadata group is lost now and then, mostly soon after something changed.
    Options losing(Prng prng) {
        EnumSet<Fault> more = EnumSet.of(Fault.LOSE_GROUP, Fault.LEAVE);
        more.addAll(faults);
        if (prng.chance(1, 2)) {
            more.add(Fault.TAKEOVER);
        }
        Draft draft = new Draft(this);
        draft.habits = habits.withThink(Math.max(habits.thinkNsMax(), 50_000_000));
        draft.faults = more;
        draft.faultGapNs = Math.max(faultGapNs, 300_000_000L << prng.nextInt(3));
        draft.safetyNs = Math.max(safetyNs, 15_000_000_000L + prng.nextLong(15_000_000_000L));
        return draft.done();
    }

    /// Whether disks say that they serve no longer, or are only missed.
    boolean goodbyes() {
        return !faults.contains(Fault.STALL_LINK);
    }

    /// Time for about one node to be away, and nothing else that guests would wait for.
    Options onceAway() {
        Draft draft = new Draft(lonely(new Prng(1)));
        draft.gatewayCount = 1;
        draft.volumeCount = 1;
        draft.faults = EnumSet.of(Fault.AWAY);
        draft.faultGapNs = 8_000_000_000L;
        draft.safetyNs = 16_000_000_000L;
        draft.metaLossPerMille = 0;
        draft.diskBytes = 1L << 30;
        draft.unsyncedBytesMax = comet.volume.GatewayConfig.defaults().unsyncedBytesMax();
        draft.inFlightBytesMax = comet.volume.GatewayConfig.defaults().inFlightBytesMax();
        draft.passingWrites = false;
        return draft.done();
    }

    private static Set<Fault> faults(Prng prng) {
        EnumSet<Fault> faults = EnumSet.noneOf(Fault.class);
        if (prng.chance(1, 20)) {
            return faults;
        }
        int chance = 1 + prng.nextInt(4);
        for (Fault fault : Fault.values()) {
            if (fault.compareTo(Fault.AWAY) < 0 && prng.chance(chance, 8)) {
                faults.add(fault);
            }
        }
        return faults;
    }

    /// The same with many flushes and little rest between faults.
    Options hurried() {
        Guests.Habits calm = habits;
        Guests.Habits hurried =
                new Guests.Habits(
                        2,
                        calm.depthMax(),
                        3_000_000,
                        calm.opCells(),
                        20,
                        25,
                        0,
                        calm.zeroPercent(),
                        calm.trimPercent(),
                        0,
                        calm.wholeChunks());
        Draft draft = new Draft(this);
        draft.nodeCount = 2;
        draft.disksPerNode = 1;
        draft.gatewayCount = 1;
        draft.volumeCount = 1;
        draft.durableVolume = false;
        draft.habits = hurried;
        draft.faultGapNs = 100_000_000;
        draft.metaLossPerMille = 0;
        return draft.done();
    }

    Options withFaults(Set<Fault> only) {
        Draft draft = new Draft(this);
        draft.faults = only;
        return draft.done();
    }

    /// A copy that is being changed.
    private static final class Draft {
        int nodeCount;
        int disksPerNode;
        int gatewayCount;
        int volumeCount;
        int volumeChunks;
        int pgCount;
        int windowBytes;
        int cellBytes;
        int cellShift;
        boolean durableVolume;
        Guests.Habits habits;
        long opsPerVolume;
        Set<Fault> faults;
        long faultGapNs;
        long safetyNs;
        int metaLossPerMille;
        long journalBytes;
        long diskBytes;
        int largeBytesMin;
        long unsyncedBytesMax;
        long inFlightBytesMax;
        boolean passingWrites;
        boolean scrub;
        int domains;
        int rebuildAfterSeconds;

        Draft(Options of) {
            nodeCount = of.nodeCount;
            disksPerNode = of.disksPerNode;
            gatewayCount = of.gatewayCount;
            volumeCount = of.volumeCount;
            volumeChunks = of.volumeChunks;
            pgCount = of.pgCount;
            windowBytes = of.windowBytes;
            cellBytes = of.cellBytes;
            cellShift = of.cellShift;
            durableVolume = of.durableVolume;
            habits = of.habits;
            opsPerVolume = of.opsPerVolume;
            faults = of.faults;
            faultGapNs = of.faultGapNs;
            safetyNs = of.safetyNs;
            metaLossPerMille = of.metaLossPerMille;
            journalBytes = of.journalBytes;
            diskBytes = of.diskBytes;
            largeBytesMin = of.largeBytesMin;
            unsyncedBytesMax = of.unsyncedBytesMax;
            inFlightBytesMax = of.inFlightBytesMax;
            passingWrites = of.passingWrites;
            scrub = of.scrub;
            domains = of.domains;
            rebuildAfterSeconds = of.rebuildAfterSeconds;
        }

        Options done() {
            return new Options(
                    nodeCount,
                    disksPerNode,
                    gatewayCount,
                    volumeCount,
                    volumeChunks,
                    pgCount,
                    windowBytes,
                    cellBytes,
                    cellShift,
                    durableVolume,
                    habits,
                    opsPerVolume,
                    faults,
                    faultGapNs,
                    safetyNs,
                    metaLossPerMille,
                    journalBytes,
                    diskBytes,
                    largeBytesMin,
                    unsyncedBytesMax,
                    inFlightBytesMax,
                    passingWrites,
                    scrub,
                    domains,
                    rebuildAfterSeconds);
        }
    }
}
