package comet.cluster;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Configurations of some placement groups as bytes, for the book that every disk keeps of its own
/// ones. Described in `docs/formats.md`.
public final class PgPage {
    private static final int FORMAT = 1;

    private static final MemberState[] STATES = {
        MemberState.IN_SYNC, MemberState.RECOVERING, MemberState.STALE
    };

    private byte[] bytes;
    private int at;

    private PgPage(byte[] bytes) {
        this.bytes = bytes;
    }

    public static byte[] encode(Collection<PgConfig> pgs) {
        PgPage to = new PgPage(new byte[64 + 24 * pgs.size()]);
        to.put(FORMAT);
        to.put(pgs.size());
        for (PgConfig pg : pgs) {
            to.put(pg.pg());
            to.put(pg.epoch());
            PgConfig.Move move = pg.move();
            to.put(move == null ? 0 : 1);
            if (move != null) {
                to.put(move.from());
                to.put(move.to());
            }
            to.put(pg.members().size());
            for (PgConfig.Member member : pg.members()) {
                to.put(member.diskId());
                to.put(member.bootId());
                to.put(Arrays.asList(STATES).indexOf(member.state()));
            }
        }
        return Arrays.copyOf(to.bytes, to.at);
    }

    /// Null where the bytes are not what [#encode] makes.
    public static @Nullable List<PgConfig> decode(byte[] bytes) {
        PgPage from = new PgPage(bytes);
        try {
            if (from.get() != FORMAT) {
                return null;
            }
            List<PgConfig> pgs = new ArrayList<>();
            for (long left = from.get(); left > 0; left--) {
                pgs.add(from.pg());
            }
            return from.at == bytes.length ? pgs : null;
        } catch (RuntimeException e) {
            // Cut, or nonsense: numbers out of range.
            return null;
        }
    }

    private PgConfig pg() {
        int pg = count();
        long epoch = get();
        PgConfig.Move move = get() == 0 ? null : new PgConfig.Move(count(), count());
        List<PgConfig.Member> members = new ArrayList<>();
        for (int left = count(); left > 0; left--) {
            members.add(new PgConfig.Member(count(), get(), STATES[count()]));
        }
        return new PgConfig(pg, epoch, members, move);
    }

    private int count() {
        return Math.toIntExact(get());
    }

    private long get() {
        long value = 0;
        for (int shift = 0; shift < 64; shift += 7) {
            byte part = bytes[at++];
            value |= (part & 0x7FL) << shift;
            if (part >= 0) {
                return value;
            }
        }
        throw new IllegalArgumentException("a number without end");
    }

    private void put(long value) {
        if (bytes.length - at < 10) {
            bytes = Arrays.copyOf(bytes, 2 * bytes.length + 10);
        }
        long rest = value;
        while ((rest & ~0x7FL) != 0) {
            bytes[at++] = (byte) (rest | 0x80);
            rest >>>= 7;
        }
        bytes[at++] = (byte) rest;
    }
}
