package comet.replica;

import comet.base.Bytes;
import comet.base.Check;
import comet.cluster.ClusterMap;
import comet.cluster.Incarnation;
import comet.cluster.PgConfig;
import comet.cluster.PgPage;
import comet.store.ChunkStore;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// What this disk knows of its own placement groups, durably, before it acts upon it: a disk serves
/// a group as IN_SYNC member only in an epoch that stands here.
///
/// So when the metadata group is lost, the disks know all that counts. Any later configuration that
/// somebody acted upon, some member has written down that was IN_SYNC before; where all of them are
/// looked at, the highest epoch among them is the one from which to go on, and whoever is IN_SYNC
/// in it holds every acknowledged write.
///
/// Kept as notes of the store, 256 groups a piece. Described in `docs/formats.md`.
public final class PgBook {
    private static final int PGS_PER_PAGE = 256;

    /// The highest incarnation of the metadata group that this disk has acted upon, 8 bytes.
    private static final String INCARNATION = "incarnation";

    /// Above the attempts by which groups were made from what the disk had said, 8 bytes.
    private static final String LOOKS = "looks";

    private final DiskServer disk;
    private final ChunkStore store;
    private final Consumer<PgConfig> noted;

    /// What is to stand in the notes, by group; what of it is durable.
    private final TreeMap<Integer, PgConfig> wanted = new TreeMap<>();

    private final TreeMap<Integer, Long> durableEpochs = new TreeMap<>();

    /// Groups of which `wanted` is not written yet.
    private final TreeSet<Integer> dirty = new TreeSet<>();

    private long incarnation;
    private List<Runnable> waiters = new ArrayList<>();

    /// Those for whom all is in what is being written now: others do not hold them up that want
    /// more written meanwhile.
    private List<Runnable> served = new ArrayList<>();

    private boolean writing;

    /// @param noted told of each configuration that is durable now
    PgBook(DiskServer disk, Consumer<PgConfig> noted) {
        this.disk = disk;
        store = disk.store();
        this.noted = noted;
    }

    /// Takes over what earlier lives of the disk have written down.
    void open(int pgCount) {
        incarnation = incarnation(store);
        for (PgConfig pg : read(store, pgCount)) {
            wanted.put(pg.pg(), pg);
            durableEpochs.put(pg.pg(), pg.epoch());
        }
    }

    /// The metadata group was made anew so often, as far as the disk knows. A group of a lower
    /// number is one that was given up.
    static long incarnation(ChunkStore store) {
        return number(store, INCARNATION);
    }

    /// Why the disk does not serve a group of that revision, or null.
    static @Nullable String refusal(ChunkStore store, long revision) {
        long known = incarnation(store);
        long said = Incarnation.of(revision);
        if (Incarnation.beside(known, said)) {
            return "the disk has served another metadata group that was made beside this one: one of"
                    + " the two must be given up, and the disks that it has served be made anew";
        }
        return said < known
                ? "this metadata group was lost and made anew: its old members must not run"
                : null;
    }

    private static long number(ChunkStore store, String name) {
        byte[] note = store.note(name);
        return note == null ? 0 : Bytes.getLong(note, 0);
    }

    private static void put(ChunkStore store, String name, long number) {
        byte[] note = new byte[8];
        Bytes.putLong(note, 0, number);
        store.putNote(name, note);
    }

    /// A group may be made from what the disk says now: its number, above all before.
    static long look(ChunkStore store) {
        long attempts = Incarnation.attempt(incarnation(store));
        long number = 1 + Math.max(number(store, LOOKS), attempts);
        put(store, LOOKS, number);
        return number;
    }

    /// Everything that stands in a disk's book, in order.
    public static List<PgConfig> read(ChunkStore store, int pgCount) {
        List<PgConfig> all = new ArrayList<>();
        for (int page = 0; page * PGS_PER_PAGE < pgCount; page++) {
            byte[] note = store.note(name(page));
            List<PgConfig> pgs = note == null ? List.of() : PgPage.decode(note);
            if (pgs == null) {
                throw Check.failed("the book of placement groups is unreadable, page " + page);
            }
            all.addAll(pgs);
        }
        return all;
    }

    private static String name(int page) {
        return "pgs-" + page;
    }

    /// Whether the disk has had a part in the group by what was written down last.
    boolean hasPart(int pg) {
        PgConfig known = wanted.get(pg);
        return known != null && known.member(disk.identity().diskId()) != null;
    }

    /// Why the disk does not serve by this map, or null: it is older than what the disk has acted
    /// upon, so not of the group that it knows; or it takes the disk for in sync where that one
    /// knows better, since the group was made anew without it.
    @Nullable String refusal(ClusterMap map) {
        for (PgConfig known : wanted.values()) {
            if (known.pg() >= map.pgCount()) {
                continue;
            }
            PgConfig said = map.pg(known.pg());
            if (said.epoch() < known.epoch()) {
                return "this metadata group has forgotten what the disk knows: it was made anew from"
                        + " an older state; look at `comet cluster recover`";
            }
            if (known.isForgottenBy(said, disk.identity().diskId())) {
                return "this metadata group was made anew without this disk, and takes it for in"
                        + " sync where it is not: make it anew with it, by `comet cluster recover`";
            }
        }
        return null;
    }

    /// Whether the disk holds a copy of the group that nobody may know of: it was a member by what
    /// it has written down last, and is none in a metadata group that was made anew since, or in a
    /// placement group that was begun anew by force. Who took its place, if anybody did, is not
    /// known here; so this must not be forgotten.
    boolean keeps(PgConfig now) {
        PgConfig known = wanted.get(now.pg());
        int diskId = disk.identity().diskId();
        return known != null
                && known.member(diskId) != null
                && now.member(diskId) == null
                && !now.members().isEmpty()
                && Incarnation.line(known.epoch()) < Incarnation.line(now.epoch());
    }

    /// Whether that epoch, or a later one, is written down.
    boolean holds(PgConfig pg) {
        return durableEpochs.getOrDefault(pg.pg(), 0L) >= pg.epoch();
    }

    /// Writes it down; [#PgBook]'s consumer is told when that is durable, unless a newer one of the
    /// group came meanwhile: then of that.
    void put(PgConfig pg) {
        PgConfig known = wanted.get(pg.pg());
        if (known != null && known.epoch() >= pg.epoch()) {
            return;
        }
        wanted.put(pg.pg(), pg);
        dirty.add(pg.pg());
        if (!writing) {
            writing = true;
            // Later: what one update brings is written at once.
            disk.loop().execute(this::write);
        }
    }

    /// Runs `work` once everything is durable that was put before; at once where it is, or where
    /// the disk has failed and writes nothing any more.
    void whenSettled(Runnable work) {
        if (!writing || store.failed()) {
            work.run();
        } else {
            waiters.add(work);
        }
    }

    private void write() {
        if (store.failed() || disk.closed()) {
            settled();
            return;
        }
        List<PgConfig> under = new ArrayList<>();
        noteIncarnation();
        while (!dirty.isEmpty()) {
            int page = dirty.first() / PGS_PER_PAGE;
            int from = page * PGS_PER_PAGE;
            var part = wanted.subMap(from, from + PGS_PER_PAGE);
            byte[] bytes = PgPage.encode(part.values());
            if (!store.hasRoom(bytes.length)) {
                break;
            }
            store.putNote(name(page), bytes);
            for (int pg : List.copyOf(dirty.subSet(from, from + PGS_PER_PAGE))) {
                under.add(part.get(pg));
            }
            dirty.subSet(from, from + PGS_PER_PAGE).clear();
        }
        if (under.isEmpty()) {
            disk.whenRoom(this::write);
            return;
        }
        if (dirty.isEmpty()) {
            served = waiters;
            waiters = new ArrayList<>();
        }
        store.sync(store.appliedSequence(), (_, result) -> written(under, result), 0);
    }

    private void noteIncarnation() {
        long highest = incarnation;
        for (int pg : dirty) {
            PgConfig config = wanted.get(pg);
            highest = config == null ? highest : Math.max(highest, Incarnation.of(config.epoch()));
        }
        if (highest > incarnation && store.hasRoom(Long.BYTES)) {
            put(store, INCARNATION, highest);
            incarnation = highest;
        }
    }

    private void written(List<PgConfig> under, int result) {
        if (result < 0) {
            disk.failed(result);
            settled();
            return;
        }
        for (PgConfig pg : under) {
            durableEpochs.put(pg.pg(), pg.epoch());
            noted.accept(pg);
        }
        runServed();
        if (dirty.isEmpty()) {
            settled();
        } else {
            write();
        }
    }

    private void runServed() {
        List<Runnable> now = served;
        served = new ArrayList<>();
        now.forEach(Runnable::run);
    }

    private void settled() {
        writing = false;
        runServed();
        List<Runnable> now = waiters;
        waiters = new ArrayList<>();
        now.forEach(Runnable::run);
    }
}
