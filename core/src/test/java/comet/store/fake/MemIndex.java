package comet.store.fake;

import comet.base.Check;
import comet.base.Prng;
import comet.port.Errno;
import comet.port.Index;
import comet.port.IoDone;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// An index in memory. A commit under way may or may not survive a crash, in tests of the weakest
/// promise also a first part of it.
public final class MemIndex implements Index {
    private final TestLoop loop;
    private final MemMedia media;
    private final TreeMap<byte[], byte[]> rows = new TreeMap<>(Arrays::compareUnsigned);
    private @Nullable List<Change> underWay;
    public boolean failCommits;
    public boolean failGets;
    public boolean failScans;

    /// Commits find no room.
    public boolean full;

    public long commits;

    public MemIndex(TestLoop loop, MemMedia media) {
        this.loop = loop;
        this.media = media;
    }

    /// What the next start finds.
    public MemIndex crash(TestLoop next, MemMedia nextMedia, Prng chance) {
        MemIndex after = new MemIndex(next, nextMedia);
        rows.forEach(after.rows::put);
        List<Change> changes = underWay;
        if (changes != null) {
            if (chance.chance(1, 2)) {
                after.apply(changes);
            }
        }
        return after;
    }

    private void apply(List<Change> changes) {
        for (Change change : changes) {
            byte[] value = change.value();
            if (value == null) {
                rows.remove(change.key());
            } else {
                rows.put(change.key(), value);
            }
        }
    }

    public TreeMap<byte[], byte[]> rows() {
        return rows;
    }

    @Override
    public void get(byte[] key, Row done) {
        byte[] early = rows.get(key);
        boolean atEnd = media.latency() % 2 == 0;
        loop.schedule(
                media.latency(),
                () -> {
                    if (failGets) {
                        done.row(null, Errno.EIO);
                    } else {
                        done.row(atEnd ? rows.get(key) : early, 0);
                    }
                });
    }

    @Override
    public void scan(byte[] from, byte[] to, Rows visitor, IoDone done, long token) {
        loop.execute(() -> {
            if (failScans) {
                done.done(token, -Errno.EIO);
                return;
            }
            for (var entry : rows.subMap(from, true, to, false).entrySet()) {
                if (!visitor.row(entry.getKey(), entry.getValue())) {
                    break;
                }
            }
            done.done(token, 0);
        });
    }

    @Override
    public void commit(List<Change> changes, IoDone done, long token) {
        Check.that(underWay == null, "one commit at a time");
        for (Change change : changes) {
            byte[] value = change.value();
            Check.that(change.key().length <= 65536, "key too long");
            Check.that(value == null || value.length <= 65536, "value too long");
        }
        underWay = List.copyOf(changes);
        commits++;
        loop.schedule(
                media.latency(),
                () -> {
                    if (full) {
                        underWay = null;
                        done.done(token, -Errno.ENOSPC);
                        return;
                    }
                    if (failCommits) {
                        done.done(token, -Errno.EIO);
                        return;
                    }
                    apply(changes);
                    underWay = null;
                    if (!media.ended()) {
                        done.done(token, 0);
                    }
                });
    }

    @Override
    public void close() {}
}
