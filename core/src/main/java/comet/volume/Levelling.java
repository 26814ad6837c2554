package comet.volume;

import comet.base.LongObjectMap;
import comet.base.Versions;
import comet.port.Events.Level;
import comet.wire.ChunkRequest;
import comet.wire.Frame;
import comet.wire.MessageType;
import comet.wire.Status;
import java.util.ArrayDeque;

/// Chunks of which some IN_SYNC member has an older version than another, because the client before
/// died in the middle of a write: the older copy is made equal to the newest, durably, before the
/// first I/O to the chunk. A few at a time in the background; those that somebody waits for first.
final class Levelling {
    private static final int RUNNING_MAX = 8;
    private static final long AGAIN_NS = 50_000_000;

    private final Volume volume;
    private final LongObjectMap<Task> tasks = new LongObjectMap<>();
    private final ArrayDeque<Task> queue = new ArrayDeque<>();
    private int running;

    Levelling(Volume volume) {
        this.volume = volume;
    }

    int left() {
        return tasks.size();
    }

    boolean holds(int chunkIndex) {
        return !tasks.isEmpty() && tasks.get(chunkIndex) != null;
    }

    /// The part goes on when its chunk is level.
    void await(ChunkPart part) {
        Task task = tasks.get(part.chunkIndex);
        if (task == null) {
            throw comet.base.Check.failed("waits for a chunk that is level");
        }
        task.waiting.add(part);
        if (!task.started && !task.urgent) {
            task.urgent = true;
            queue.addFirst(task);
        }
    }

    /// @param lower the members (bits) to be levelled
    /// @param blocking kept writes build upon it
    /// @param fresh the chunk was not touched since the attachment began
    void add(
            VolumePg pg,
            int chunkIndex,
            long version,
            int source,
            int lower,
            boolean blocking,
            boolean fresh) {
        int disk = pg.peer(source).diskId();
        Task task = new Task(pg, chunkIndex, version, disk, lower, blocking, fresh);
        tasks.put(chunkIndex, task);
        queue.addLast(task);
    }

    /// The PG is opened anew: what was to be levelled is found out again. The version of a chunk
    /// that was not touched since the attachment began is open again, too.
    void drop(VolumePg pg) {
        if (tasks.isEmpty()) {
            return;
        }
        ArrayDeque<Task> dropped = new ArrayDeque<>();
        for (int slot = 0; slot < tasks.slots(); slot++) {
            Task task = tasks.valueAt(slot);
            if (task != null && task.pg == pg) {
                dropped.add(task);
            }
        }
        for (Task task : dropped) {
            tasks.remove(task.chunkIndex);
            task.drop();
            if (task.fresh) {
                volume.setVersion(pg, task.chunkIndex, 0);
            }
            for (ChunkPart part = task.waiting.poll(); part != null; part = task.waiting.poll()) {
                pg.waiting.add(part);
            }
        }
        run();
    }

    /// Forgets everything: the attachment has ended.
    ///
    /// @return what waited
    PartQueue clear() {
        PartQueue waiting = new PartQueue();
        for (int slot = 0; slot < tasks.slots(); slot++) {
            Task task = tasks.valueAt(slot);
            if (task != null) {
                task.drop();
                ChunkPart part = task.waiting.poll();
                for (; part != null; part = task.waiting.poll()) {
                    waiting.add(part);
                }
            }
        }
        tasks.clear();
        queue.clear();
        running = 0;
        return waiting;
    }

    void run() {
        while (running < RUNNING_MAX && !queue.isEmpty()) {
            Task task = queue.removeFirst();
            if (!task.started && !task.dropped) {
                task.started = true;
                running++;
                task.send();
            }
        }
    }

    private final class Task implements Pending {
        final VolumePg pg;
        final int chunkIndex;
        final long version;
        final int sourceDiskId;
        final boolean blocking;
        final boolean fresh;
        final PartQueue waiting = new PartQueue();
        int lower;
        boolean started;
        boolean urgent;
        boolean dropped;

        Task(
                VolumePg pg,
                int chunkIndex,
                long version,
                int sourceDiskId,
                int lower,
                boolean blocking,
                boolean fresh) {
            this.fresh = fresh;
            this.pg = pg;
            this.chunkIndex = chunkIndex;
            this.version = version;
            this.sourceDiskId = sourceDiskId;
            this.lower = lower;
            this.blocking = blocking;
        }

        void send() {
            if (dropped) {
                return;
            }
            int member = Integer.numberOfTrailingZeros(lower);
            if (!pg.writable(member)) {
                pg.peer(member).connect();
                volume.later(AGAIN_NS, this::send);
                return;
            }
            DiskPeer peer = pg.peer(member);
            long requestId = peer.write().register(this);
            Frame frame = volume.gateway().frames().take();
            ChunkRequest.encode(
                    frame,
                    MessageType.LEVEL,
                    requestId,
                    volume.id(),
                    chunkIndex,
                    pg.pg,
                    pg.epoch,
                    volume.term());
            ChunkRequest.level(frame, sourceDiskId, version);
            peer.write().send(frame);
        }

        @Override
        public void onReply(Frame reply) {
            if (dropped) {
                return;
            }
            int status = reply.status();
            if (status == Status.OK
                    && ChunkRequest.validReply(reply)
                    && ChunkRequest.replyVersion(reply) == version) {
                lower &= lower - 1;
                if (lower != 0) {
                    send();
                } else {
                    done();
                }
                return;
            }
            if (status == Status.FENCED) {
                volume.attachment().fenced();
            } else if (status == Status.BUSY) {
                volume.later(AGAIN_NS, this::send);
            } else {
                event(status);
                volume.opening().trouble(pg);
            }
        }

        @Override
        public void onBroken() {
            if (!dropped) {
                volume.later(AGAIN_NS, this::send);
            }
        }

        private void done() {
            running--;
            dropped = true;
            tasks.remove(chunkIndex);
            volume.opening().levelled(pg, blocking);
            waiting.resumeAll();
            run();
            volume.attachment().onProgress();
        }

        void drop() {
            dropped = true;
            if (started) {
                running--;
            }
        }

        private void event(int status) {
            volume.gateway()
                    .events()
                    .event(
                            Level.WARN,
                            "level-refused",
                            "volume="
                                    + volume.id()
                                    + " chunk="
                                    + chunkIndex
                                    + " status="
                                    + Status.text(status)
                                    + " version="
                                    + Versions.text(version));
        }
    }
}
