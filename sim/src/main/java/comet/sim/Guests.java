package comet.sim;

import comet.base.Buf;
import comet.base.Prng;
import comet.base.Sizes;
import comet.port.Errno;
import comet.sim.check.History;
import comet.sim.check.Op;
import comet.volume.BlockDevice;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// The guests of one volume: they ask whatever gateway serves the volume for small overlapping
/// reads and writes of all kinds and note question and answer in the volume's history.
final class Guests {
    /// How guests reach a volume.
    interface Access {
        /// The device to use now, or null where no gateway serves the volume at the moment.
        @Nullable Served device(long volumeId);

        /// The gateway's attachment of the volume as the group knows it now: its term, or 0 where
        /// it is not held by this life.
        long heldTerm(long volumeId, Served served);

        /// The newest one that this gateway has ever had of the volume.
        long lastTerm(long volumeId, Served served);

        /// The device answers nothing any more: it is to be opened anew.
        void ended(long volumeId, Served served);

        /// Whether somebody else than this life holds it.
        boolean heldElsewhere(long volumeId, Served served);
    }

    /// A volume at one life of a gateway.
    record Served(BlockDevice device, SimProcess process, int life) {}

    /// What guests do, seeded.
    record Habits(
            int guestCount,
            int depthMax,
            long thinkNsMax,
            int opCells,
            int readPercent,
            int flushPercent,
            int fuaPercent,
            int zeroPercent,
            int trimPercent,
            int statusPercent,
            boolean wholeChunks) {
        Habits withThink(long thinkNsMax) {
            return new Habits(
                    guestCount,
                    depthMax,
                    thinkNsMax,
                    opCells,
                    readPercent,
                    flushPercent,
                    fuaPercent,
                    zeroPercent,
                    trimPercent,
                    statusPercent,
                    wholeChunks);
        }
    }

    private final Simulation simulation;
    private final Prng prng;
    private final Access access;
    private final Ids ids;
    private final long volumeId;
    private final Cells cells;
    private final boolean alwaysDurable;
    private final Habits habits;
    private final History history;
    private final TreeMap<Long, Running> running = new TreeMap<>();
    private final List<Guest> guests = new ArrayList<>();
    private boolean stopped;
    private long opsLeft;
    private final TreeMap<Integer, Integer> errors = new TreeMap<>();

    /// Numbers for requests and moments, one count for all volumes.
    static final class Ids {
        private long moment;
        private long id;

        long moment() {
            return ++moment;
        }

        long id() {
            return ++id;
        }
    }

    private record Running(Op op, Served served, long sinceNs) {}

    Guests(
            Simulation simulation,
            Access access,
            Ids ids,
            long volumeId,
            Cells cells,
            boolean alwaysDurable,
            Habits habits,
            long opsMax) {
        this.simulation = simulation;
        prng = simulation.fork();
        this.access = access;
        this.ids = ids;
        this.volumeId = volumeId;
        this.cells = cells;
        this.alwaysDurable = alwaysDurable;
        this.habits = habits;
        history = new History(Long.toString(volumeId));
        opsLeft = opsMax;
    }

    History history() {
        return history;
    }

    long volumeId() {
        return volumeId;
    }

    /// What the slowest request took.
    private long longestNs;

    long longestNs() {
        return longestNs;
    }

    /// Errors by number that requests ended with.
    SortedMap<Integer, Integer> errors() {
        return errors;
    }

    void start() {
        for (int i = 0; i < habits.guestCount; i++) {
            Guest guest = new Guest();
            guests.add(guest);
            simulation.in(prng.nextLong(habits.thinkNsMax + 1), guest::next);
        }
    }

    /// No new requests from now on.
    void stop() {
        stopped = true;
    }

    boolean idle() {
        return running.isEmpty();
    }

    boolean done() {
        return opsLeft <= 0;
    }

    List<String> waiting() {
        List<String> lines = new ArrayList<>();
        running.values().forEach(r -> lines.add("volume " + volumeId + " waits for " + r.op));
        return lines;
    }

    /// A life of a gateway is over: what it was asked has an unknown outcome.
    void gatewayDied(int life) {
        List<Running> lost = new ArrayList<>();
        running.values().forEach(r -> lost.add(r));
        for (Running r : lost) {
            if (r.served.life() == life) {
                running.remove(r.op.id);
                r.op.outcome = r.op.changes() ? Op.Outcome.UNKNOWN : Op.Outcome.NOT_DONE;
                r.op.term = access.lastTerm(volumeId, r.served);
            }
        }
        // The guests count what is under way anew.
        for (Guest guest : guests) {
            guest.lost(life);
        }
    }

    /// A flush of no guest's, to know that all that was completed is durable.
    void flushOnce(java.util.function.Consumer<Boolean> then) {
        Served served = access.device(volumeId);
        if (served == null || !served.process().alive()) {
            simulation.in(0, () -> then.accept(false));
            return;
        }
        boolean[] answered = new boolean[1];
        simulation.in(
                0,
                served.process().life(),
                () ->
                        flush(
                                served,
                                r -> {
                                    if (!answered[0]) {
                                        answered[0] = true;
                                        then.accept(r.op.outcome == Op.Outcome.OK);
                                    }
                                }));
        // The gateway may die under it.
        simulation.in(
                2_000_000_000L,
                () -> {
                    if (!answered[0]) {
                        answered[0] = true;
                        then.accept(false);
                    }
                });
    }

    /// Reads everything once, for the end of a run.
    void readAll(Runnable whenDone) {
        Guest reader = new Guest();
        reader.readAll(0, whenDone);
    }

    /// One guest with some requests under way.
    private final class Guest {
        private int underWay;
        private int underWayLife;

        void lost(int life) {
            if (underWayLife == life) {
                underWay = 0;
            }
        }

        void next() {
            if (stopped || opsLeft <= 0) {
                return;
            }
            Served served = access.device(volumeId);
            if (served != null && served.process().alive()) {
                if (served.life() != underWayLife) {
                    underWay = 0;
                    underWayLife = served.life();
                }
                if (underWay < habits.depthMax) {
                    opsLeft--;
                    underWay++;
                    // On the gateway's loop, as an input of its own.
                    simulation.in(0, served.process().life(), () -> ask(served));
                }
            }
            long thinkNs = prng.chance(1, 3) ? 0 : prng.nextLong(habits.thinkNsMax + 1);
            simulation.in(served == null ? 5_000_000 : thinkNs + 1, this::next);
        }

        private void ask(Served served) {
            int first = prng.nextInt(cells.count());
            int most = Math.min(cells.leftInWindow(first), habits.opCells);
            int count = 1 + prng.nextInt(most);
            int dice = prng.nextInt(100);
            if (dice < habits.readPercent) {
                read(served, first, count, this::ended);
                return;
            }
            dice -= habits.readPercent;
            if (dice < habits.flushPercent) {
                flush(served, this::ended);
            } else if ((dice -= habits.flushPercent) < habits.zeroPercent) {
                zeroes(served, first, count);
            } else if ((dice -= habits.zeroPercent) < habits.trimPercent) {
                trim(served, first, count);
            } else if ((dice -= habits.trimPercent) < habits.statusPercent) {
                status(served, first, count);
            } else {
                write(served, first, count);
            }
        }

        private void ended(Running r) {
            if (r.served.life() == underWayLife && underWay > 0) {
                underWay--;
            }
        }

        private void write(Served served, int first, int count) {
            boolean fua = prng.chance(habits.fuaPercent, 100);
            Running r = begin(served, Op.Kind.WRITE, first, count, fua || alwaysDurable);
            int bytes = (int) cells.bytes(first, count);
            Buf buf = served.process().bufs().take(Math.max(1, bytes));
            cells.fill(r.op.id, first, count, buf);
            served.device()
                    .write(
                            cells.offset(first),
                            bytes,
                            buf,
                            0,
                            fua ? BlockDevice.FUA : 0,
                            errno -> {
                                buf.release();
                                end(r, errno, this::ended);
                            });
        }

        private void zeroes(Served served, int first, int count) {
            int from = first;
            int cellsZeroed = count;
            if (habits.wholeChunks && prng.chance(1, 8)) {
                // From the middle of one window to the middle of the next: all chunks between.
                from = first - first % cells.cellsPerWindow() + cells.cellsPerWindow() / 2;
                cellsZeroed = Math.min(cells.cellsPerWindow(), cells.count() - from);
            }
            boolean fua = prng.chance(habits.fuaPercent, 100);
            int flags = fua ? BlockDevice.FUA : 0;
            boolean small = cellsZeroed == count;
            if (small && prng.chance(1, 4)) {
                flags |= BlockDevice.NO_HOLE;
            } else if (prng.chance(1, 4)) {
                flags |= BlockDevice.FAST_ZERO;
            }
            Running r = begin(served, Op.Kind.ZERO, from, cellsZeroed, fua || alwaysDurable);
            long offset = cells.offset(from);
            long end = cells.end(from + cellsZeroed - 1);
            served.device()
                    .writeZeroes(offset, end - offset, flags, errno -> end(r, errno, this::ended));
        }

        private void trim(Served served, int first, int count) {
            long offset = cells.offset(first);
            long length = cells.bytes(first, count);
            long block = Sizes.BLOCK_BYTES;
            // Only whole blocks are dropped.
            long from = (offset + block - 1) / block * block;
            long to = (offset + length) / block * block;
            int skipped = 0;
            while (skipped < count && cells.offset(first + skipped) < from) {
                skipped++;
            }
            int end = skipped;
            while (end < count && cells.end(first + end) <= to) {
                end++;
            }
            Running r = begin(served, Op.Kind.ZERO, first + skipped, end - skipped, alwaysDurable);
            served.device().trim(offset, length, 0, errno -> end(r, errno, this::ended));
        }

        private void status(Served served, int first, int count) {
            Running r = begin(served, Op.Kind.STATUS, first, count, false);
            r.op.strong = !access.heldElsewhere(volumeId, served);
            long from = cells.offset(first);
            long length = cells.bytes(first, count);
            long[] values = new long[count];
            java.util.Arrays.fill(values, Op.UNSEEN);
            served.device()
                    .status(
                            from,
                            length,
                            new BlockDevice.Extents() {
                                private long at;

                                @Override
                                public boolean extent(long part, boolean hole, boolean zero) {
                                    for (int n = 0; n < count && zero; n++) {
                                        long start = cells.offset(first + n) - from;
                                        long end = cells.end(first + n) - from;
                                        if (start >= at && end <= at + part) {
                                            values[n] = 0;
                                        }
                                    }
                                    at += part;
                                    return true;
                                }

                                @Override
                                public void done(int errno) {
                                    comet.base.Check.that(
                                            errno != 0 || at >= length,
                                            "extents do not cover the request",
                                            at,
                                            length);
                                    if (errno == 0) {
                                        r.op.values = values;
                                    }
                                    r.op.strong &= !access.heldElsewhere(volumeId, served);
                                    end(r, errno, Guest.this::ended);
                                }
                            });
        }

        void readAll(int first, Runnable whenDone) {
            if (first >= cells.count()) {
                whenDone.run();
                return;
            }
            Served served = access.device(volumeId);
            if (served == null || !served.process().alive()) {
                simulation.in(10_000_000, () -> readAll(first, whenDone));
                return;
            }
            int count = Math.min(cells.leftInWindow(first), cells.cellsPerWindow());
            simulation.in(
                    0,
                    served.process().life(),
                    () ->
                            read(
                                    served,
                                    first,
                                    count,
                                    r -> {
                                        boolean ok = r.op.outcome == Op.Outcome.OK;
                                        int next = ok ? first + count : first;
                                        long waitNs = ok ? 0 : 100_000_000;
                                        simulation.in(waitNs, () -> readAll(next, whenDone));
                                    }));
        }

        private void read(
                Served served, int first, int count, java.util.function.Consumer<Running> then) {
            Running r = begin(served, Op.Kind.READ, first, count, false);
            r.op.strong = !access.heldElsewhere(volumeId, served);
            int bytes = (int) cells.bytes(first, count);
            Buf buf = served.process().bufs().take(bytes);
            served.device()
                    .read(
                            cells.offset(first),
                            bytes,
                            buf,
                            0,
                            errno -> {
                                if (errno == 0) {
                                    r.op.values = cells.decode(first, count, buf);
                                }
                                buf.release();
                                r.op.strong &= !access.heldElsewhere(volumeId, served);
                                end(r, errno, then);
                            });
        }
    }

    private void flush(Served served, java.util.function.Consumer<Running> then) {
        Running r = begin(served, Op.Kind.FLUSH, 0, 0, false);
        served.device().flush(errno -> end(r, errno, then));
    }

    private Running begin(Served served, Op.Kind kind, int first, int count, boolean durable) {
        Op op = new Op(ids.id(), kind, first, count, ids.moment(), served.life(), durable);
        Running r = new Running(op, served, simulation.nowNs());
        history.add(op);
        running.put(op.id, r);
        if (simulation.trace().on()) {
            simulation.trace("guest v" + volumeId, "asks " + op);
        }
        return r;
    }

    /// Whether a change is sent as one write. Space is refused before anything of a write is done;
    /// of a request that is cut at a chunk border, or a zeroing that is cut at the borders of its
    /// whole blocks, one part may be done and another refused.
    private boolean isOnePart(Op op) {
        if (op.cellCount == 0) {
            return true;
        }
        long start = cells.offset(op.firstCell);
        long end = cells.end(op.firstCell + op.cellCount - 1);
        boolean oneChunk = start / Sizes.CHUNK_BYTES == (end - 1) / Sizes.CHUNK_BYTES;
        boolean wholeBlocks = (start | end) % Sizes.BLOCK_BYTES == 0;
        return oneChunk && (op.kind == Op.Kind.WRITE || wholeBlocks);
    }

    private void end(Running r, int errno, java.util.function.Consumer<Running> then) {
        Op op = r.op;
        comet.base.Check.that(
                running.remove(op.id) != null, "answered twice, or after death", op.id, errno);
        longestNs = Math.max(longestNs, simulation.nowNs() - r.sinceNs);
        op.returned = ids.moment();
        op.term = access.heldTerm(volumeId, r.served);
        if (errno == 0) {
            op.outcome = Op.Outcome.OK;
        } else {
            errors.merge(errno, 1, Integer::sum);
            if (errno == Errno.ESHUTDOWN || errno == Errno.EPERM) {
                access.ended(volumeId, r.served);
            }
            boolean sure = errno == Errno.ENOTSUP || (errno == Errno.ENOSPC && isOnePart(op));
            op.outcome = op.changes() && !sure ? Op.Outcome.UNKNOWN : Op.Outcome.NOT_DONE;
            if (op.outcome == Op.Outcome.UNKNOWN) {
                op.returned = Op.NEVER;
                // It may have been sent under one that has ended since.
                op.term = access.lastTerm(volumeId, r.served);
            }
        }
        simulation.note(op.id * 31 + errno);
        long[] values = op.values;
        if (values != null) {
            for (long value : values) {
                simulation.note(value);
            }
        }
        if (simulation.trace().on()) {
            simulation.trace("guest v" + volumeId, "ended " + op + " errno " + errno);
        }
        then.accept(r);
    }
}
