package comet.replica;

import static org.assertj.core.api.Assertions.assertThat;

import comet.base.Prng;
import comet.base.Versions;
import comet.cluster.MemberState;
import comet.wire.ChunkList;
import comet.wire.Frame;
import comet.wire.Lane;
import comet.wire.MessageType;
import comet.wire.Status;
import comet.wire.SyncRequest;
import comet.wire.WriteReply;
import comet.wire.WriteRequest;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// A client under one term that follows the protocol through broken connections, restarts of disks
/// and new epochs: opens every placement group again, keeps what is not known durable and sends it
/// again. Writes at random; keeps what it knows in a [Model] that outlives it.
final class LoadClient {
    static final int CHUNKS = 8;
    static final int BLOCKS = 8;
    private static final int IN_FLIGHT_MAX = 12;

    /// One write.
    record Write(int chunk, int block, int fill, long previous, long version) {}

    /// What every later client must find: per chunk its history, and how far it was completed.
    static final class Model {
        final Map<Integer, List<Write>> history = new TreeMap<>();
        final Map<Integer, Long> completed = new TreeMap<>();

        List<Write> of(int chunk) {
            return history.computeIfAbsent(chunk, _ -> new ArrayList<>());
        }

        long completed(int chunk) {
            return completed.getOrDefault(chunk, 0L);
        }

        /// The outcome of what the last client had left open: writes beyond `version` never were.
        void settle(int chunk, long version) {
            assertThat(Versions.compare(version, completed(chunk)))
                    .as("chunk %d has %x, completed is %x", chunk, version, completed(chunk))
                    .isGreaterThanOrEqualTo(0);
            of(chunk).removeIf(w -> Versions.compare(w.version, version) > 0);
            List<Write> left = of(chunk);
            assertThat(left.isEmpty() ? 0 : left.getLast().version).isEqualTo(version);
            completed.put(chunk, version);
        }

        int fill(int chunk, int block) {
            int fill = 0;
            for (Write write : of(chunk)) {
                fill = write.block == block ? write.fill : fill;
            }
            return fill;
        }
    }

    private static final class Kept {
        final Write write;
        final boolean[] answered = new boolean[3];

        Kept(Write write) {
            this.write = write;
        }

        boolean complete() {
            return answered[1] && answered[2];
        }
    }

    private final Harness harness;
    private final Prng prng;
    private final Model model;
    private final long term;
    private final @Nullable TestClient[] lanes = new TestClient[3];
    private final List<Map<Long, Consumer<@Nullable Frame>>> asked = new ArrayList<>();
    private final List<Kept> kept = new ArrayList<>();
    private final long[] epochs = new long[Harness.PGS];
    private final boolean[] open = new boolean[Harness.PGS];

    /// Versions that members listed, per chunk, while a group is being opened for the first time.
    private final List<TreeMap<Integer, Long>> listed = new ArrayList<>();

    private final boolean[] settled = new boolean[Harness.PGS];
    int completions;
    int notes;

    LoadClient(Harness harness, Prng prng, Model model, long term) {
        this.harness = harness;
        this.prng = prng;
        this.model = model;
        this.term = term;
        for (int disk = 0; disk <= 2; disk++) {
            asked.add(new LinkedHashMap<>());
            listed.add(new TreeMap<>());
        }
    }

    /// Looks at everything once: answers, epochs, connections; then perhaps writes or syncs.
    void step(boolean writes) {
        for (int disk = 1; disk <= 2; disk++) {
            poll(disk);
        }
        for (int pg = 0; pg < Harness.PGS; pg++) {
            if (epochs[pg] != harness.epoch(pg)) {
                begin(pg);
            }
        }
        if (!writes) {
            return;
        }
        int chunk = prng.nextInt(CHUNKS);
        if (open[pg(chunk)] && incomplete() < IN_FLIGHT_MAX) {
            List<Write> history = model.of(chunk);
            long previous = history.isEmpty() ? 0 : history.getLast().version;
            int block = prng.nextInt(BLOCKS);
            int fill = prng.nextInt(5) == 0 ? 0 : 1 + prng.nextInt(250);
            Write write = new Write(chunk, block, fill, previous, Versions.next(previous, term));
            history.add(write);
            Kept added = new Kept(write);
            kept.add(added);
            send(added, 1, false);
            send(added, 2, false);
        }
        if (prng.chance(1, 30)) {
            sync();
        }
    }

    long incomplete() {
        return kept.stream().filter(k -> !k.complete()).count();
    }

    boolean allOpen() {
        for (boolean one : open) {
            if (!one) {
                return false;
            }
        }
        return true;
    }

    /// Breaks a connection.
    void breakLane(int disk) {
        TestClient lane = lanes[disk];
        if (lane != null) {
            lane.connection.close();
        }
    }

    /// The client is gone, with all that it kept.
    void die() {
        breakLane(1);
        breakLane(2);
        for (int disk = 1; disk <= 2; disk++) {
            TestClient lane = lanes[disk];
            if (lane != null) {
                lane.inbox.forEach(Frame::release);
                lane.inbox.clear();
            }
        }
    }

    private int pg(int chunk) {
        return comet.cluster.PgHash.of(1, chunk, Harness.PGS);
    }

    private void poll(int disk) {
        TestClient lane = lanes[disk];
        if (lane == null || lane.closed) {
            if (lane != null) {
                lane.inbox.forEach(Frame::release);
                lane.inbox.clear();
                lanes[disk] = null;
                Map<Long, Consumer<@Nullable Frame>> lost = new LinkedHashMap<>(asked.get(disk));
                asked.get(disk).clear();
                lost.values().forEach(answer -> answer.accept(null));
            }
            connect(disk);
            return;
        }
        while (!lane.inbox.isEmpty()) {
            Frame frame = lane.inbox.remove();
            Consumer<@Nullable Frame> answer = asked.get(disk).remove(frame.requestId());
            Harness.some(answer).accept(frame);
            frame.release();
        }
    }

    private void connect(int disk) {
        if (!harness.up(disk)) {
            return;
        }
        TestClient made = new TestClient(harness, disk, Lane.WRITE, term);
        if (made.helloStatus != Status.OK) {
            made.connection.close();
            return;
        }
        lanes[disk] = made;
        for (int pg = 0; pg < Harness.PGS; pg++) {
            begin(pg);
        }
    }

    // Opening.

    private void begin(int pg) {
        open[pg] = false;
        epochs[pg] = harness.epoch(pg);
        if (lanes[1] == null || lanes[2] == null) {
            epochs[pg] = -1;
            return;
        }
        int[] done = new int[1];
        long epoch = epochs[pg];
        for (int disk = 1; disk <= 2; disk++) {
            int to = disk;
            TestClient lane = Harness.some(lanes[disk]);
            long id = lane.sendSync(MessageType.OPEN, term, new long[] {epoch}, pg);
            asked.get(disk)
                    .put(
                            id,
                            frame -> {
                                boolean ok =
                                        frame != null
                                                && frame.status() == Status.OK
                                                && SyncRequest.entryStatus(frame, 0) == Status.OK;
                                if (!ok || epochs[pg] != epoch) {
                                    again(pg, epoch);
                                } else if (settled[pg]) {
                                    opened(pg, done);
                                } else {
                                    list(pg, to, id, epoch, done);
                                }
                            });
        }
    }

    private void again(int pg, long epoch) {
        if (epochs[pg] == epoch) {
            epochs[pg] = -1;
        }
    }

    private void list(int pg, int disk, long openId, long epoch, int[] done) {
        TestClient lane = lanes[disk];
        if (lane == null) {
            again(pg, epoch);
            return;
        }
        long id = lane.nextRequest();
        lane.connection.send(ChunkList.list(lane.frame(), id, openId, -1));
        asked.get(disk)
                .put(
                        id,
                        frame -> {
                            if (frame == null
                                    || frame.status() != Status.OK
                                    || epochs[pg] != epoch) {
                                again(pg, epoch);
                                return;
                            }
                            TreeMap<Integer, Long> here = listed.get(disk);
                            here.keySet().removeIf(chunk -> pg(chunk) == pg);
                            for (int n = 0; n < ChunkList.count(frame); n++) {
                                here.put(
                                        ChunkList.chunkIndex(frame, n),
                                        ChunkList.version(frame, n));
                            }
                            if (done[0]++ == 1) {
                                level(pg, epoch);
                            }
                        });
    }

    /// All have listed: the lower are levelled to the highest of those that are IN_SYNC.
    private void level(int pg, long epoch) {
        int[] left = new int[1];
        for (int chunk = 0; chunk < CHUNKS; chunk++) {
            if (pg(chunk) != pg) {
                continue;
            }
            long one = version(pg, 1, chunk);
            long two = version(pg, 2, chunk);
            if (one == two || one == -1 || two == -1) {
                continue;
            }
            int higher = Versions.compare(one, two) > 0 ? 1 : 2;
            TestClient lane = lanes[3 - higher];
            if (lane == null) {
                again(pg, epoch);
                return;
            }
            left[0]++;
            long id = lane.sendLevel(chunk, term, higher, higher == 1 ? one : two);
            asked.get(3 - higher)
                    .put(
                            id,
                            frame -> {
                                if (frame == null || frame.status() != Status.OK) {
                                    again(pg, epoch);
                                } else if (--left[0] == 0 && epochs[pg] == epoch) {
                                    settle(pg);
                                }
                            });
        }
        if (left[0] == 0) {
            settle(pg);
        }
    }

    /// What an IN_SYNC member listed, 0 for absent, -1 of one that is RECOVERING.
    private long version(int pg, int disk, int chunk) {
        boolean counts = harness.state(pg, disk) == MemberState.IN_SYNC;
        return counts ? listed.get(disk).getOrDefault(chunk, 0L) : -1;
    }

    private void settle(int pg) {
        for (int chunk = 0; chunk < CHUNKS; chunk++) {
            if (pg(chunk) == pg) {
                long one = version(pg, 1, chunk);
                long two = version(pg, 2, chunk);
                long highest = one == -1 || two != -1 && Versions.compare(two, one) > 0 ? two : one;
                model.settle(chunk, highest);
            }
        }
        settled[pg] = true;
        open[pg] = true;
    }

    private void opened(int pg, int[] done) {
        if (done[0]++ == 0) {
            return;
        }
        open[pg] = true;
        for (Kept one : kept) {
            if (pg(one.write.chunk) == pg) {
                boolean was = one.complete();
                one.answered[1] = false;
                one.answered[2] = false;
                completions -= was ? 1 : 0;
                send(one, 1, true);
                send(one, 2, true);
            }
        }
    }

    // Writing.

    private void send(Kept one, int disk, boolean again) {
        TestClient lane = lanes[disk];
        int pg = pg(one.write.chunk);
        if (lane == null) {
            open[pg] = false;
            epochs[pg] = -1;
            return;
        }
        lane.flags = again ? WriteRequest.RESEND : 0;
        if (prng.chance(1, 20)) {
            lane.flags |= WriteRequest.DURABLE;
        }
        Write w = one.write;
        long epoch = epochs[pg];
        long id = lane.sendWrite(w.chunk, w.block, 1, w.previous, w.version, w.fill, epoch);
        asked.get(disk).put(id, frame -> answered(one, disk, epoch, frame));
    }

    private void answered(Kept one, int disk, long epoch, @Nullable Frame frame) {
        int pg = pg(one.write.chunk);
        if (epochs[pg] != epoch) {
            return;
        }
        int status = frame == null ? Status.BUSY : frame.status();
        boolean counts = status == Status.OK || status == Status.NOTED;
        if (frame == null || !counts || WriteReply.epoch(frame) != epoch) {
            assertThat(status).isNotIn(Status.WRONG_VERSION, Status.INVALID, Status.FENCED);
            again(pg, epoch);
            return;
        }
        notes += status == Status.NOTED ? 1 : 0;
        if (!one.answered[disk]) {
            one.answered[disk] = true;
            if (one.complete()) {
                completions++;
                int chunk = one.write.chunk;
                if (Versions.compare(one.write.version, model.completed(chunk)) > 0) {
                    model.completed.put(chunk, one.write.version);
                }
            }
        }
    }

    /// Once both members have said so, in the epoch in which everything was answered, what was
    /// complete before is durable and need not be kept.
    void sync() {
        if (lanes[1] == null || lanes[2] == null || !allOpen()) {
            return;
        }
        List<Kept> covered = kept.stream().filter(Kept::complete).toList();
        long[] of = epochs.clone();
        int[] done = new int[1];
        for (int disk = 1; disk <= 2; disk++) {
            TestClient lane = Harness.some(lanes[disk]);
            long id = lane.sendSync(MessageType.SYNC, 0, of, 0, 1, 2, 3);
            asked.get(disk)
                    .put(
                            id,
                            frame -> {
                                boolean ok = frame != null && frame.status() == Status.OK;
                                for (int n = 0; ok && n < SyncRequest.count(frame); n++) {
                                    ok = SyncRequest.entryStatus(frame, n) == Status.OK;
                                }
                                if (ok
                                        && ++done[0] == 2
                                        && java.util.Arrays.equals(of, epochs)
                                        && covered.stream().allMatch(Kept::complete)) {
                                    kept.removeAll(covered);
                                }
                            });
        }
    }
}
