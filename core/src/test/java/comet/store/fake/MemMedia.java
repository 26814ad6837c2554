package comet.store.fake;

import comet.base.Buf;
import comet.base.Check;
import comet.base.Prng;
import comet.port.Errno;
import comet.port.IoDone;
import comet.port.Media;
import comet.port.MediaFile;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// A folder in memory. Each file has what is durable and what was written since the last sync;
/// [#crash] leaves an arbitrary part of the latter.
///
/// Every operation that ends counts as a step; [#crashAfter] stops the loop at a chosen step, after
/// the operation took effect and before anybody learns of it.
public final class MemMedia implements Media {
    /// What a crash leaves of what was not synced.
    public enum Crash {
        /// Nothing.
        LOSE,
        /// Everything, also what was just being written.
        KEEP,
        /// Some writes, in any order, each perhaps torn at multiples of 512 bytes.
        TEAR,
        /// As above, torn at multiples of 4 KiB.
        TEAR_PAGES
    }

    private static final int PAGE = 4096;

    /// A write that may or may not survive a crash.
    private static final class Unsynced {
        final long position;
        final byte[] bytes;
        boolean ended;

        /// A sync of it failed: it counts as written to the device, and is not; no later sync
        /// helps.
        boolean forgotten;

        Unsynced(long position, byte[] bytes) {
            this.position = position;
            this.bytes = bytes;
        }
    }

    /// Sparse content: missing pages are zeros.
    private static final class Content {
        final TreeMap<Long, byte[]> pages = new TreeMap<>();

        void write(long position, byte[] bytes, int from, int length) {
            int done = 0;
            while (done < length) {
                long at = position + from + done;
                int inPage = (int) (at % PAGE);
                int n = Math.min(length - done, PAGE - inPage);
                byte[] page = pages.computeIfAbsent(at / PAGE, _ -> new byte[PAGE]);
                System.arraycopy(bytes, from + done, page, inPage, n);
                done += n;
            }
        }

        void read(long position, byte[] target) {
            int done = 0;
            while (done < target.length) {
                long at = position + done;
                int inPage = (int) (at % PAGE);
                int n = Math.min(target.length - done, PAGE - inPage);
                byte[] page = pages.get(at / PAGE);
                if (page != null) {
                    System.arraycopy(page, inPage, target, done, n);
                }
                done += n;
            }
        }

        Content copy() {
            Content copy = new Content();
            pages.forEach((number, page) -> copy.pages.put(number, page.clone()));
            return copy;
        }
    }

    /// A file's data, shared by all who have it open.
    private static final class Data {
        final long sizeBytes;
        Content current = new Content();
        Content durable = new Content();
        final List<Unsynced> unsynced = new ArrayList<>();
        int syncsUnderWay;

        Data(long sizeBytes) {
            this.sizeBytes = sizeBytes;
        }
    }

    private final TestLoop loop;
    private final Prng prng;
    private final TreeMap<String, Data> files = new TreeMap<>();
    private final TreeMap<String, byte[]> small = new TreeMap<>();
    private long freeBytes;
    private long steps;
    private long crashAtStep = Long.MAX_VALUE;

    /// Latencies are drawn from 1 µs to this.
    public long latencyMaxNs = 200_000;

    /// Operations on files whose name starts so fail from now on; null: none.
    public @Nullable String failWrites;

    public @Nullable String failSyncs;

    public int failSyncsWith = Errno.EIO;

    /// Making a file fails with this, if it is not 0.
    public int failCreates;

    /// Syncs take at least so long.
    public long syncNsMin;

    /// Syncs of these files do nothing, and say that all is well.
    public @Nullable String lieAboutSyncs;

    public @Nullable String failReads;

    /// Says that so much is free, whatever is.
    public long lieAboutFreeBytes = -1;

    public long writes;
    public long syncs;

    public MemMedia(TestLoop loop, Prng prng, long freeBytes) {
        this.loop = loop;
        this.prng = prng;
        this.freeBytes = freeBytes;
    }

    /// The folder as the next start finds it. This one is of no use any more.
    public MemMedia crash(TestLoop next, Prng chance, Crash kind) {
        MemMedia after = new MemMedia(next, chance.fork(), freeBytes);
        after.small.putAll(small);
        for (Map.Entry<String, Data> file : files.entrySet()) {
            Data data = file.getValue();
            Data left = new Data(data.sizeBytes);
            left.durable = data.durable.copy();
            List<Unsynced> writes = new ArrayList<>(data.unsynced);
            while (!writes.isEmpty() && kind != Crash.LOSE) {
                boolean inOrder = kind == Crash.KEEP;
                Unsynced write = writes.remove(inOrder ? 0 : chance.nextInt(writes.size()));
                leave(left.durable, write, chance, kind);
            }
            left.current = left.durable.copy();
            after.files.put(file.getKey(), left);
        }
        return after;
    }

    /// The folder as the next process finds it while the machine goes on: all that was written can
    /// be read, durable or not. This one is of no use any more.
    public MemMedia restart(TestLoop next, Prng chance) {
        MemMedia after = new MemMedia(next, chance.fork(), freeBytes);
        after.small.putAll(small);
        after.files.putAll(files);
        for (Data data : files.values()) {
            data.syncsUnderWay = 0;
            data.unsynced.removeIf(write -> !write.ended);
        }
        return after;
    }

    private static void leave(Content durable, Unsynced write, Prng chance, Crash kind) {
        int length = write.bytes.length;
        if (kind == Crash.KEEP || chance.chance(1, 3)) {
            durable.write(write.position, write.bytes, 0, length);
        } else if (chance.chance(1, 2)) {
            int unit = kind == Crash.TEAR ? 512 : PAGE;
            boolean prefix = chance.chance(1, 2);
            int end = chance.nextInt(length / unit + 1) * unit;
            for (int at = 0; at < length; at += unit) {
                if (prefix ? at < end : chance.chance(1, 2)) {
                    durable.write(write.position, write.bytes, at, Math.min(unit, length - at));
                }
            }
        }
    }

    public void crashAfter(long step) {
        crashAtStep = step;
    }

    public long steps() {
        return steps;
    }

    /// Counts a step; true where the machine stops at it.
    boolean ended() {
        if (++steps >= crashAtStep) {
            loop.kill();
            return true;
        }
        return false;
    }

    long latency() {
        return 1000 + prng.nextLong(latencyMaxNs);
    }

    public void setFreeBytes(long bytes) {
        freeBytes = bytes;
    }

    /// Flips a bit of what is stored.
    public void rot(String name, long position) {
        Data data = file(name);
        for (Content content : List.of(data.current, data.durable)) {
            byte[] one = new byte[1];
            content.read(position, one);
            one[0] ^= 4;
            content.write(position, one, 0, 1);
        }
    }

    public byte[] peek(String name, long position, int length) {
        byte[] bytes = new byte[length];
        file(name).current.read(position, bytes);
        return bytes;
    }

    public void poke(String name, long position, byte[] bytes) {
        Data data = file(name);
        data.current.write(position, bytes, 0, bytes.length);
        data.durable.write(position, bytes, 0, bytes.length);
    }

    /// As if the machine had stopped while the file was made.
    public void cut(String name, long bytes) {
        Data left = new Data(bytes);
        left.current.write(0, peek(name, 0, (int) bytes), 0, (int) bytes);
        left.durable = left.current.copy();
        files.put(name, left);
    }

    public void remove(String name) {
        files.remove(name);
        small.remove(name);
    }

    private Data file(String name) {
        Data data = files.get(name);
        if (data == null) {
            throw new IllegalArgumentException(name);
        }
        return data;
    }

    @Override
    public void open(String name, Access access, Opened done) {
        loop.schedule(
                latency(),
                () -> {
                    Data data = files.get(name);
                    if (data == null) {
                        done.opened(null, Errno.ENOENT);
                    } else {
                        done.opened(new File(name, data, access), 0);
                    }
                });
    }

    @Override
    public void create(String name, long bytes, Access access, Opened done) {
        loop.schedule(
                latency(),
                () -> {
                    if (files.containsKey(name)) {
                        done.opened(null, Errno.EINVAL);
                        return;
                    }
                    if (failCreates != 0) {
                        done.opened(null, failCreates);
                        return;
                    }
                    if (bytes > freeBytes) {
                        done.opened(null, Errno.ENOSPC);
                        return;
                    }
                    freeBytes -= bytes;
                    Data data = new Data(bytes);
                    files.put(name, data);
                    if (!ended()) {
                        done.opened(new File(name, data, access), 0);
                    }
                });
    }

    @Override
    public void delete(String name, IoDone done, long token) {
        loop.schedule(
                latency(),
                () -> {
                    files.remove(name);
                    if (!ended()) {
                        done.done(token, 0);
                    }
                });
    }

    @Override
    public List<String> list(String folder) {
        List<String> names = new ArrayList<>();
        String prefix = folder.isEmpty() ? "" : folder + "/";
        for (TreeMap<String, ?> map : List.of(files, small)) {
            for (String name : map.keySet()) {
                if (name.startsWith(prefix) && name.indexOf('/', prefix.length()) < 0) {
                    names.add(name.substring(prefix.length()));
                }
            }
        }
        names.sort(null);
        return names;
    }

    @Override
    public byte @Nullable [] readSmall(String name) {
        byte[] content = small.get(name);
        return content == null ? null : content.clone();
    }

    @Override
    public void writeSmall(String name, byte[] content) throws MediaException {
        if (name.startsWith(failWrites == null ? "\n" : failWrites)) {
            throw new MediaException("cannot write " + name);
        }
        small.put(name, content.clone());
        ended();
    }

    @Override
    public long freeBytes() {
        return lieAboutFreeBytes >= 0 ? lieAboutFreeBytes : freeBytes;
    }

    private static boolean hit(@Nullable String prefix, String name) {
        return prefix != null && name.startsWith(prefix);
    }

    /// One open file.
    private final class File implements MediaFile {
        private final String name;
        private final Data data;
        private final Access access;
        private boolean closed;

        File(String name, Data data, Access access) {
            this.name = name;
            this.data = data;
            this.access = access;
        }

        private void check(long position, int offset, int length) {
            Check.that(!closed, "file is closed");
            if (access == Access.DIRECT) {
                Check.that((position | offset | length) % PAGE == 0, "alignment", position, length);
            }
        }

        @Override
        public long sizeBytes() {
            return data.sizeBytes;
        }

        @Override
        public void read(
                long position, Buf target, int offset, int length, IoDone done, long token) {
            check(position, offset, length);
            // The bytes are taken at some moment of the operation: its start or its end.
            byte[] early = prng.chance(1, 2) ? content(position, length) : null;
            loop.schedule(
                    latency(),
                    () -> {
                        if (hit(failReads, name)) {
                            done.done(token, -Errno.EIO);
                            return;
                        }
                        byte[] bytes = early == null ? content(position, length) : early;
                        target.bytes().put(offset, bytes);
                        done.done(token, bytes.length);
                    });
        }

        private byte[] content(long position, int length) {
            byte[] bytes = new byte[(int) Math.max(0, Math.min(length, sizeBytes() - position))];
            data.current.read(position, bytes);
            return bytes;
        }

        @Override
        public void write(
                long position, Buf source, int offset, int length, IoDone done, long token) {
            check(position, offset, length);
            Check.that(position + length <= data.sizeBytes, "write behind the end");
            byte[] bytes = new byte[length];
            source.bytes().get(offset, bytes);
            Unsynced write = new Unsynced(position, bytes);
            data.unsynced.add(write);
            writes++;
            loop.schedule(
                    latency(),
                    () -> {
                        byte[] now = new byte[length];
                        source.bytes().get(offset, now);
                        Check.that(Arrays.equals(bytes, now), "buffer changed during a write");
                        if (hit(failWrites, name)) {
                            done.done(token, -Errno.EIO);
                            return;
                        }
                        data.current.write(position, bytes, 0, length);
                        write.ended = true;
                        if (!ended()) {
                            done.done(token, length);
                        }
                    });
        }

        @Override
        public void sync(IoDone done, long token) {
            Check.that(!closed, "file is closed");
            // The kernel would tell only one of them of an error.
            Check.that(data.syncsUnderWay++ == 0, "two syncs of a file at a time");
            List<Unsynced> covered = new ArrayList<>();
            for (Unsynced write : data.unsynced) {
                if (write.ended) {
                    covered.add(write);
                }
            }
            syncs++;
            loop.schedule(
                    syncNsMin + latency(),
                    () -> {
                        data.syncsUnderWay--;
                        if (hit(failSyncs, name)) {
                            // What did not get to the device now never does: the system holds it
                            // to be written, and no later sync helps.
                            for (Unsynced write : covered) {
                                if (data.unsynced.remove(write)) {
                                    leave(data.durable, write, prng, Crash.TEAR);
                                }
                            }
                            done.done(token, -failSyncsWith);
                            return;
                        }
                        boolean lies = hit(lieAboutSyncs, name);
                        for (Unsynced write : covered) {
                            if (!lies && data.unsynced.remove(write)) {
                                data.durable.write(
                                        write.position, write.bytes, 0, write.bytes.length);
                            }
                        }
                        if (!ended()) {
                            done.done(token, 0);
                        }
                    });
        }

        @Override
        public void close() {
            closed = true;
        }
    }
}
