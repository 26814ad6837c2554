package comet.volume;

import static org.assertj.core.api.Assertions.assertThat;

import comet.base.Buf;
import comet.base.Prng;
import comet.cluster.MemberState;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// Random reads, writes, zeroes, trims and flushes, many at once and overlapping, against a model
/// that knows for every 256 bytes which writes a read may return; with broken connections, new
/// epochs, restarts of disks with and without loss of power, and of the gateway.
class RandomOpsTest {
    private static final int GRANULE = 256;

    /// A change of the volume. Ids count in the order of arrival.
    private record Change(int id, boolean zero, long from, long to) {}

    private static final class Run {
        final TestCluster cluster;
        final Prng prng;
        final int granules = (int) ((16L << 20) / GRANULE);
        final List<Change> changes = new ArrayList<>();
        final int[] last = new int[granules];
        final int[] completed = new int[granules];
        final List<Change> inFlight = new ArrayList<>();
        final List<BlockDevice> devices = new ArrayList<>();
        TestCluster.Node node;
        int open;
        int reads;
        int generation;
        boolean busy;

        Run(long seed) {
            cluster = new TestCluster(seed);
            prng = new Prng(seed * 77 + 1);
            changes.add(new Change(0, true, 0, 0));
            startGateway();
        }

        void startGateway() {
            node = cluster.new Node(9);
            devices.clear();
            devices.add(node.open("vol"));
            devices.add(node.open("vol"));
        }

        BlockDevice device() {
            return devices.get(prng.nextInt(devices.size()));
        }

        /// Somewhere in a few hot places, some across chunk borders.
        long place(int length) {
            long hot = prng.nextInt(5) * (4L << 20);
            long from = hot - 40_960 + prng.nextInt(320) * (long) GRANULE;
            return Math.max(0, Math.min(from / GRANULE * GRANULE, (16L << 20) - length));
        }

        int length() {
            int granules = prng.chance(1, 3) ? 16 * (1 + prng.nextInt(8)) : 1 + prng.nextInt(60);
            return granules * GRANULE;
        }

        void op() {
            switch (prng.nextInt(10)) {
                case 0, 1, 2, 3 -> write();
                case 4, 5, 6 -> read();
                case 7 -> zero(prng.chance(1, 2));
                case 8 -> flush();
                default -> trim();
            }
        }

        private Change begin(boolean zero, long from, long to) {
            Change change = new Change(changes.size(), zero, from, to);
            changes.add(change);
            inFlight.add(change);
            open++;
            for (int g = (int) (from / GRANULE); g < to / GRANULE; g++) {
                last[g] = change.id;
            }
            return change;
        }

        private void end(Change change, int errno, int of) {
            if (of != generation) {
                return;
            }
            assertThat(errno).isZero();
            open--;
            inFlight.remove(change);
            for (int g = (int) (change.from / GRANULE); g < change.to / GRANULE; g++) {
                completed[g] = Math.max(completed[g], change.id);
            }
        }

        void write() {
            int length = length();
            long from = place(length);
            Change change = begin(false, from, from + length);
            Buf buf = node.bufs.take(length);
            for (int at = 0; at < length; at += 16) {
                buf.bytes().putLong(at, change.id);
                buf.bytes().putLong(at + 8, (from + at) / GRANULE);
            }
            int of = generation;
            int flags = prng.chance(1, 8) ? BlockDevice.FUA : 0;
            device().write(
                            from,
                            length,
                            buf,
                            0,
                            flags,
                            errno -> {
                                buf.release();
                                end(change, errno, of);
                            });
        }

        void zero(boolean noHole) {
            int length = length();
            long from = place(length);
            Change change = begin(true, from, from + length);
            int of = generation;
            device().writeZeroes(
                            from,
                            length,
                            noHole ? BlockDevice.NO_HOLE : 0,
                            errno -> end(change, errno, of));
        }

        void trim() {
            int length = length();
            long from = place(length);
            long first = (from + 4095) & -4096L;
            long behind = Math.max(first, (from + length) & -4096L);
            Change change = begin(true, first, behind);
            int of = generation;
            device().trim(from, length, 0, errno -> end(change, errno, of));
        }

        void flush() {
            int of = generation;
            open++;
            device().flush(errno -> {
                if (of == generation) {
                    assertThat(errno).isZero();
                    open--;
                }
            });
        }

        void read() {
            int length = length();
            long from = place(length);
            Buf buf = node.bufs.take(length);
            int[] base = new int[length / GRANULE];
            int first = (int) (from / GRANULE);
            System.arraycopy(last, first, base, 0, base.length);
            int arrived = changes.size();
            int of = generation;
            open++;
            device().read(
                            from,
                            length,
                            buf,
                            0,
                            errno -> {
                                if (of == generation) {
                                    assertThat(errno).isZero();
                                    open--;
                                    reads++;
                                    for (int g = 0; g < base.length; g++) {
                                        check(buf, g * GRANULE, first + g, base[g], arrived);
                                    }
                                }
                                buf.release();
                            });
        }

        /// What a granule holds must be what the newest change before the read left, or one that
        /// came while it ran.
        private void check(Buf buf, int at, int granule, int base, int arrived) {
            long id = id(buf, at, granule);
            if (id == base || id == 0 && changes.get(base).zero) {
                return;
            }
            boolean later = false;
            for (int n = arrived; n < changes.size() && !later; n++) {
                Change change = changes.get(n);
                boolean covers = change.from / GRANULE <= granule && granule < change.to / GRANULE;
                later = covers && (n == id || id == 0 && change.zero);
            }
            assertThat(later).as("granule %d holds %d, not %d", granule, id, base).isTrue();
        }

        private static long id(Buf buf, int at, int granule) {
            long id = buf.bytes().getLong(at);
            for (int n = 0; n < GRANULE; n += 16) {
                assertThat(buf.bytes().getLong(at + n)).isEqualTo(id);
                assertThat(buf.bytes().getLong(at + n + 8)).isEqualTo(id == 0 ? 0 : granule);
            }
            return id;
        }

        void fault() {
            if (busy) {
                return;
            }
            int disk = 1 + prng.nextInt(2);
            switch (prng.nextInt(6)) {
                case 0, 1 -> cluster.net.breakAll("disk:" + disk);
                case 2 -> cluster.configure(MemberState.IN_SYNC, MemberState.IN_SYNC);
                case 3 -> restart(disk);
                case 4 -> powerCut();
                default -> restartGateway();
            }
        }

        /// One disk loses what it has not synced, comes back RECOVERING, and some time later has
        /// everything again.
        private void restart(int disk) {
            busy = true;
            FakeDisk back = cluster.disk(disk);
            FakeDisk source = cluster.disk(3 - disk);
            back.kill(prng.chance(1, 2));
            after(() -> {
                back.start(true);
                MemberState mine = MemberState.RECOVERING;
                MemberState other = MemberState.IN_SYNC;
                cluster.configure(disk == 1 ? mine : other, disk == 1 ? other : mine);
                after(() -> {
                    back.chunks.clear();
                    source.chunks.forEach((key, chunk) -> back.chunks.put(key, chunk.copy()));
                    back.durable.clear();
                    back.chunks.forEach((key, chunk) -> back.durable.put(key, chunk.copy()));
                    back.changed.clear();
                    source.fences.forEach((v, t) -> back.fences.merge(v, t, Math::max));
                    cluster.configure(MemberState.IN_SYNC, MemberState.IN_SYNC);
                    busy = false;
                });
            });
        }

        /// Everything but the gateway loses power.
        private void powerCut() {
            busy = true;
            cluster.disk(1).kill(true);
            cluster.disk(2).kill(true);
            after(() -> {
                cluster.disk(1).start(true);
                cluster.disk(2).start(true);
                cluster.configure(MemberState.IN_SYNC, MemberState.IN_SYNC);
                busy = false;
            });
        }

        private void after(Runnable work) {
            cluster.loop.schedule(prng.nextLong(60_000_000), work);
        }

        private void restartGateway() {
            node.kill();
            generation++;
            open = 0;
            List<Change> lost = List.copyOf(inFlight);
            inFlight.clear();
            startGateway();
            // What was under way is there or not; from the first look on it stays so.
            for (Change change : lost) {
                long from = change.from / 4096 * 4096;
                int length = (int) ((change.to + 4095) / 4096 * 4096 - from);
                if (length == 0) {
                    continue;
                }
                byte[] now = cluster.read(node, devices.getFirst(), from, length);
                Buf buf = node.bufs.take(length);
                buf.bytes().put(0, now);
                for (int g = 0; g < length / GRANULE; g++) {
                    settle(buf, g * GRANULE, (int) (from / GRANULE) + g, lost);
                }
                buf.release();
            }
        }

        private void settle(Buf buf, int at, int granule, List<Change> lost) {
            long id = id(buf, at, granule);
            int found = -1;
            int known = completed[granule];
            if (id == known || id == 0 && changes.get(known).zero) {
                found = known;
            }
            for (Change change : lost) {
                boolean covers = change.from / GRANULE <= granule && granule < change.to / GRANULE;
                if (covers && (change.id == id || id == 0 && change.zero)) {
                    found = change.id;
                }
            }
            assertThat(found).as("granule %d holds %d, not %d", granule, id, known).isNotNegative();
            last[granule] = found;
            completed[granule] = found;
        }
    }

    private static void run(long seed, int steps, boolean faults) {
        Run run = new Run(seed);
        int depth = 1 + run.prng.nextInt(40);
        for (int step = 0; step < steps; step++) {
            while (run.open < depth) {
                run.op();
            }
            if (faults && run.prng.chance(1, 150)) {
                run.fault();
            }
            int before = run.open;
            run.cluster.loop.runUntil(() -> run.open < Math.max(before, 1), 120);
        }
        run.cluster.loop.runUntil(() -> run.open == 0 && !run.busy, 120);
        for (int granule = 0; granule < run.granules; granule += 4096) {
            byte[] all =
                    run.cluster.read(
                            run.node, run.devices.getFirst(), (long) granule * GRANULE, 1 << 20);
            Buf buf = run.node.bufs.take(all.length);
            buf.bytes().put(0, all);
            for (int g = 0; g < 4096; g++) {
                run.check(buf, g * GRANULE, granule + g, run.last[granule + g], run.changes.size());
            }
            buf.release();
        }
        assertThat(run.cluster.flush(run.devices.getFirst())).isZero();
        run.cluster.loop.runFor(TestCluster.SECOND);
        // Both disks hold the same, durably, and nothing is kept or leaked.
        assertThat(run.cluster.disk(1).durable.keySet())
                .isEqualTo(run.cluster.disk(2).durable.keySet());
        run.cluster
                .disk(1)
                .durable
                .forEach((key, chunk) -> {
                    FakeDisk.Chunk other = run.cluster.disk(2).durable.get(key);
                    assertThat(other.version).isEqualTo(chunk.version);
                    assertThat(other.versions).isEqualTo(chunk.versions);
                });
        assertThat(run.node.gateway.unsyncedBytes()).isZero();
        assertThat(run.node.gateway.inFlightBytes()).isZero();
        assertThat(run.node.frames.out()).isZero();
        assertThat(run.cluster.events).noneMatch(event -> event.startsWith("ERROR"));
    }

    @Test
    void healthy() {
        for (int seed = 0; seed < 20; seed++) {
            run(seed, 400, false);
        }
    }

    @Test
    void with_faults() {
        for (int seed = 100; seed < 160; seed++) {
            try {
                run(seed, 800, true);
            } catch (Throwable failure) {
                throw new AssertionError("seed " + seed, failure);
            }
        }
    }

    @Test
    @Tag("long")
    void with_faults_for_long() {
        for (int seed = 1000; seed < 1400; seed++) {
            try {
                run(seed, 1500, true);
            } catch (Throwable failure) {
                throw new AssertionError("seed " + seed, failure);
            }
        }
    }
}
