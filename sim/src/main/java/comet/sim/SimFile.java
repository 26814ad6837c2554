package comet.sim;

import comet.base.Buf;
import comet.base.Check;
import comet.base.Prng;
import comet.base.Sizes;
import comet.port.Errno;
import comet.port.IoDone;
import comet.port.MediaFile;
import comet.sim.Simulation.Life;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// A file of a disk, with two contents: what one reads (the page cache), and what would be there
/// after a loss of power, known but for the writes since the last sync.
final class SimFile {
    private static final int PAGE = Sizes.BLOCK_BYTES;
    private static final int SECTOR = Sizes.SECTOR_BYTES;

    /// A write that has not been synced. It has its place in the cache once `applied`, and counts
    /// for a sync that starts after it has `ended`.
    private static final class Write {
        final long position;
        final byte[] bytes;
        boolean applied;

        /// When it ended, in ends and syncs of this file; 0 while it runs.
        long endedAt;

        Write(long position, byte[] bytes) {
            this.position = position;
            this.bytes = bytes;
        }
    }

    private final SimMedia media;
    private final Simulation simulation;
    private final Prng prng;
    private final String name;
    private final long sizeBytes;

    /// Pages by number; a page that is missing is zeros. Never iterated.
    private final Map<Long, byte[]> cached = new HashMap<>();

    private final Map<Long, byte[]> durable = new HashMap<>();
    private final List<Write> unsynced = new ArrayList<>();
    private long clock;

    SimFile(SimMedia media, String name, long sizeBytes) {
        this.media = media;
        this.simulation = media.simulation();
        this.prng = media.prng();
        this.name = name;
        this.sizeBytes = sizeBytes;
    }

    String name() {
        return name;
    }

    long sizeBytes() {
        return sizeBytes;
    }

    MediaFile open(Life life, boolean direct) {
        return new Handle(life, direct);
    }

    /// Operations that had not ended happen whole, in part or not at all.
    void killed() {
        List<Write> writes = new ArrayList<>(unsynced);
        unsynced.clear();
        for (Write write : writes) {
            Write done = write;
            if (!write.applied) {
                int sectors = prng.nextInt(write.bytes.length / SECTOR + 1);
                int length = prng.chance(1, 2) ? write.bytes.length : sectors * SECTOR;
                length = Math.min(length, write.bytes.length);
                done = new Write(write.position, Arrays.copyOf(write.bytes, length));
                store(cached, done.position, done.bytes, 0, length);
            }
            done.applied = true;
            done.endedAt = ++clock;
            if (done.bytes.length > 0) {
                unsynced.add(done);
            }
        }
    }

    void powerLost() {
        List<Write> writes = new ArrayList<>(unsynced);
        unsynced.clear();
        boolean allLost = prng.chance(1, 4);
        boolean inOrder = prng.chance(1, 4);
        int reached = inOrder ? prng.nextInt(writes.size() + 1) : writes.size();
        for (int i = 0; i < reached && !allLost; i++) {
            Write write = writes.get(i);
            switch (prng.nextInt(4)) {
                case 0 -> put(durable, write, false, false);
                case 1 -> put(durable, write, true, false);
                default -> {
                    if (inOrder || prng.chance(1, 2)) {
                        put(durable, write, false, true);
                    }
                }
            }
        }
        cached.clear();
        cached.putAll(durable);
    }

    /// Puts a write's bytes into a content, all or (torn) a part of the sectors.
    private void put(Map<Long, byte[]> content, Write write, boolean torn, boolean asPrefix) {
        int length = write.bytes.length;
        if (!torn) {
            store(content, write.position, write.bytes, 0, length);
            return;
        }
        if (asPrefix) {
            int sectors = prng.nextInt(length / SECTOR + 1);
            store(content, write.position, write.bytes, 0, Math.min(length, sectors * SECTOR));
            return;
        }
        // Sectors are those of the file, not of the write.
        int at = 0;
        while (at < length) {
            int end = (int) Math.min(length, nextSector(write.position + at) - write.position);
            if (prng.chance(1, 2)) {
                store(content, write.position + at, write.bytes, at, end - at);
            }
            at = end;
        }
    }

    private static long nextSector(long position) {
        return (position / SECTOR + 1) * SECTOR;
    }

    private static void store(
            Map<Long, byte[]> content, long position, byte[] bytes, int offset, int length) {
        int done = 0;
        while (done < length) {
            long page = (position + done) / PAGE;
            int inPage = (int) ((position + done) % PAGE);
            int part = Math.min(PAGE - inPage, length - done);
            byte[] old = content.get(page);
            byte[] fresh = old == null ? new byte[PAGE] : old.clone();
            System.arraycopy(bytes, offset + done, fresh, inPage, part);
            content.put(page, fresh);
            done += part;
        }
    }

    /// Flips one bit of what is stored, on the medium and in the cache.
    void rot(long position, int bit) {
        for (Map<Long, byte[]> content : List.of(cached, durable)) {
            byte[] page = content.get(position / PAGE);
            if (page != null) {
                byte[] fresh = page.clone();
                fresh[(int) (position % PAGE)] ^= (byte) (1 << bit);
                content.put(position / PAGE, fresh);
            }
        }
    }

    /// Pages that hold something, by number, in order.
    List<Long> pages() {
        return cached.keySet().stream().sorted().toList();
    }

    /// A sync that started at `startedAt` has ended. What it covered and did not get to the device
    /// never will: the system has forgotten that it is dirty, and no later sync helps.
    private void synced(long startedAt, boolean well) {
        List<Write> left = new ArrayList<>();
        for (Write write : unsynced) {
            boolean covered = write.endedAt > 0 && write.endedAt < startedAt;
            if (!covered) {
                left.add(write);
            } else if (well || prng.chance(1, 4)) {
                store(durable, write.position, write.bytes, 0, write.bytes.length);
            } else if (prng.chance(1, 3)) {
                put(durable, write, true, false);
            }
        }
        unsynced.clear();
        unsynced.addAll(left);
    }

    /// The file as one life of a process has it open.
    private final class Handle implements MediaFile {
        private final Life life;
        private final boolean direct;
        private boolean closed;
        private boolean syncing;

        Handle(Life life, boolean direct) {
            this.life = life;
            this.direct = direct;
        }

        @Override
        public long sizeBytes() {
            return sizeBytes;
        }

        @Override
        public void read(
                long position, Buf target, int offset, int length, IoDone done, long token) {
            check(position, offset, length);
            later(
                    prng.nextLong(media.behaviour.readNsMax),
                    () -> {
                        if (media.behaviour.failReads) {
                            done.done(token, -Errno.EIO);
                            return;
                        }
                        int count = (int) Math.max(0, Math.min(length, sizeBytes - position));
                        load(position, target, offset, count);
                        done.done(token, count);
                    });
        }

        private void load(long position, Buf target, int offset, int length) {
            int at = 0;
            while (at < length) {
                long page = (position + at) / PAGE;
                int inPage = (int) ((position + at) % PAGE);
                int part = Math.min(PAGE - inPage, length - at);
                byte[] bytes = cached.get(page);
                if (bytes == null) {
                    target.zero(offset + at, part);
                } else {
                    target.bytes().put(offset + at, bytes, inPage, part);
                }
                at += part;
            }
        }

        @Override
        public void write(
                long position, Buf source, int offset, int length, IoDone done, long token) {
            check(position, offset, length);
            Check.that(position + length <= sizeBytes, "write behind the end", position, length);
            byte[] bytes = new byte[length];
            source.bytes().get(offset, bytes);
            Write write = new Write(position, bytes);
            unsynced.add(write);
            if (prng.chance(1, 2)) {
                apply(write);
            }
            later(
                    20_000 + prng.nextLong(media.behaviour.writeNsMax),
                    () -> {
                        if (media.behaviour.failWrites) {
                            unsynced.remove(write);
                            done.done(token, -Errno.EIO);
                            return;
                        }
                        Check.that(same(source, offset, bytes), "buffer changed under a write");
                        apply(write);
                        write.endedAt = ++clock;
                        done.done(token, length);
                    });
        }

        private void apply(Write write) {
            if (!write.applied) {
                write.applied = true;
                store(cached, write.position, write.bytes, 0, write.bytes.length);
            }
        }

        private boolean same(Buf source, int offset, byte[] bytes) {
            for (int i = 0; i + 8 <= bytes.length; i += 512) {
                if (source.bytes().get(offset + i) != bytes[i]) {
                    return false;
                }
            }
            return true;
        }

        @Override
        public void sync(IoDone done, long token) {
            Check.that(!closed, "closed");
            // The kernel would tell only one of them of an error.
            Check.that(!syncing, "two syncs of a file at a time");
            syncing = true;
            long startedAt = ++clock;
            long spread = media.behaviour.syncNsMax - media.behaviour.syncNsMin;
            later(
                    media.behaviour.syncNsMin + prng.nextLong(spread),
                    () -> {
                        syncing = false;
                        boolean well = !media.behaviour.failSyncs;
                        boolean lies =
                                media.behaviour.liesAboutSync
                                        || (media.behaviour.liesAboutData
                                                && name.startsWith("segments/"));
                        if (!lies) {
                            synced(startedAt, well);
                        }
                        done.done(token, well ? 0 : -Errno.EIO);
                    });
        }

        @Override
        public void close() {
            closed = true;
        }

        private void check(long position, int offset, int length) {
            Check.that(!closed, "closed");
            Check.that(position >= 0 && length > 0, "range", position, length);
            Check.that(
                    !direct || (position % PAGE == 0 && offset % PAGE == 0 && length % PAGE == 0),
                    "direct access wants whole pages",
                    position,
                    length);
        }

        private void later(long delayNs, Runnable work) {
            simulation.in(media.takes(delayNs), life, work);
        }
    }
}
