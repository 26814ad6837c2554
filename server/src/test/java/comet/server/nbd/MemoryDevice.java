package comet.server.nbd;

import comet.base.Buf;
import comet.base.Prng;
import comet.base.Sizes;
import comet.port.Errno;
import comet.volume.BlockDevice;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/// A device in memory. Requests take effect when they are answered, and they are answered in any
/// order, when [#pump] is called: the owner decides when.
final class MemoryDevice implements BlockDevice {
    private final byte[][] blocks;
    private final long sizeBytes;
    private final boolean readOnly;
    private final Prng prng;
    private final List<Runnable> waiting = new ArrayList<>();

    /// Told when there is something to pump.
    Runnable onWaiting = () -> {};

    /// What the next request is answered instead of being done; 0: it is done.
    int nextErrno;

    /// Requests as text, in the order of arrival: `write 4096 512 fua`.
    final List<String> asked = new ArrayList<>();

    boolean keepAsked = true;
    boolean inOrder;
    long heldBytesMax = Long.MAX_VALUE;
    int leaving;

    MemoryDevice(long sizeBytes, boolean readOnly, long seed) {
        this.sizeBytes = sizeBytes;
        this.readOnly = readOnly;
        prng = new Prng(seed);
        blocks = new byte[(int) ((sizeBytes + Sizes.BLOCK_BYTES - 1) / Sizes.BLOCK_BYTES)][];
    }

    /// Does and answers one of the waiting requests; false if there was none.
    boolean pump() {
        if (waiting.isEmpty()) {
            return false;
        }
        int last = waiting.size() - 1;
        int at = inOrder ? 0 : prng.nextInt(waiting.size());
        Runnable work = waiting.get(at);
        if (inOrder) {
            waiting.remove(0);
        } else {
            waiting.set(at, waiting.get(last));
            waiting.remove(last);
        }
        work.run();
        return true;
    }

    int waiting() {
        return waiting.size();
    }

    byte[] content(long offset, int length) {
        byte[] content = new byte[length];
        for (int i = 0; i < length; i++) {
            byte[] block = blocks[(int) ((offset + i) / Sizes.BLOCK_BYTES)];
            content[i] = block == null ? 0 : block[(int) ((offset + i) % Sizes.BLOCK_BYTES)];
        }
        return content;
    }

    void fill(long offset, int length, long seed) {
        Prng bytes = new Prng(seed);
        for (long at = offset; at < offset + length; at++) {
            block(at)[(int) (at % Sizes.BLOCK_BYTES)] = (byte) bytes.nextLong();
        }
    }

    @Override
    public long sizeBytes() {
        return sizeBytes;
    }

    @Override
    public boolean readOnly() {
        return readOnly;
    }

    @Override
    public long heldBytesMax() {
        return heldBytesMax;
    }

    @Override
    public void leaving(boolean goodbye) {
        leaving++;
    }

    @Override
    public void read(long offset, int length, Buf target, int targetOffset, Done done) {
        later("read", offset, length, 0, done, () -> copyOut(offset, length, target, targetOffset));
    }

    @Override
    public void write(long offset, int length, Buf source, int sourceOffset, int flags, Done done) {
        later(
                "write",
                offset,
                length,
                flags,
                done,
                () -> copyIn(offset, length, source, sourceOffset));
    }

    @Override
    public void flush(Done done) {
        later("flush", 0, 0, 0, done, () -> {});
    }

    @Override
    public void trim(long offset, long length, int flags, Done done) {
        later(
                "trim",
                offset,
                length,
                flags,
                done,
                () -> {
                    long first = (offset + Sizes.BLOCK_BYTES - 1) / Sizes.BLOCK_BYTES;
                    long end = (offset + length) / Sizes.BLOCK_BYTES;
                    for (long block = first; block < end; block++) {
                        blocks[(int) block] = null;
                    }
                });
    }

    @Override
    public void writeZeroes(long offset, long length, int flags, Done done) {
        if ((flags & FAST_ZERO) != 0 && (flags & NO_HOLE) != 0) {
            later("zero", offset, length, flags, done, null);
            return;
        }
        later("zero", offset, length, flags, done, () -> zero(offset, length, flags));
    }

    @Override
    public void status(long offset, long length, Extents extents) {
        later(
                "status",
                offset,
                length,
                0,
                extents,
                () -> {
                    boolean more = true;
                    for (long at = offset; more && at < sizeBytes; ) {
                        // Says what it knows of the whole block, beyond the end of the request.
                        long end = (at / Sizes.BLOCK_BYTES + 1) * Sizes.BLOCK_BYTES;
                        boolean hole = blocks[(int) (at / Sizes.BLOCK_BYTES)] == null;
                        more = extents.extent(Math.min(end, sizeBytes) - at, hole, hole);
                        at = end;
                    }
                });
    }

    private void later(
            String what,
            long offset,
            long length,
            int flags,
            Done done,
            @org.jspecify.annotations.Nullable Runnable effect) {
        if (keepAsked) {
            asked.add(
                    what
                            + ' '
                            + offset
                            + ' '
                            + length
                            + ((flags & FUA) != 0 ? " fua" : "")
                            + ((flags & NO_HOLE) != 0 ? " no-hole" : "")
                            + ((flags & FAST_ZERO) != 0 ? " fast" : ""));
        }
        int errno = effect == null ? Errno.ENOTSUP : nextErrno;
        nextErrno = 0;
        waiting.add(() -> {
            if (errno == 0 && effect != null) {
                effect.run();
            }
            done.done(errno);
        });
        onWaiting.run();
    }

    private void copyOut(long offset, int length, Buf target, int targetOffset) {
        for (int done = 0; done < length; ) {
            int at = (int) ((offset + done) % Sizes.BLOCK_BYTES);
            int part = Math.min(length - done, Sizes.BLOCK_BYTES - at);
            byte[] block = blocks[(int) ((offset + done) / Sizes.BLOCK_BYTES)];
            if (block == null) {
                target.zero(targetOffset + done, part);
            } else {
                target.bytes().put(targetOffset + done, block, at, part);
            }
            done += part;
        }
    }

    private void copyIn(long offset, int length, Buf source, int sourceOffset) {
        ByteBuffer bytes = source.bytes();
        for (int done = 0; done < length; ) {
            int at = (int) ((offset + done) % Sizes.BLOCK_BYTES);
            int part = Math.min(length - done, Sizes.BLOCK_BYTES - at);
            bytes.get(sourceOffset + done, block(offset + done), at, part);
            done += part;
        }
    }

    private void zero(long offset, long length, int flags) {
        for (long at = offset; at < offset + length; ) {
            int inBlock = (int) (at % Sizes.BLOCK_BYTES);
            int part = (int) Math.min(offset + length - at, Sizes.BLOCK_BYTES - inBlock);
            if (part == Sizes.BLOCK_BYTES && (flags & NO_HOLE) == 0) {
                blocks[(int) (at / Sizes.BLOCK_BYTES)] = null;
            } else {
                java.util.Arrays.fill(block(at), inBlock, inBlock + part, (byte) 0);
            }
            at += part;
        }
    }

    private byte[] block(long offset) {
        int index = (int) (offset / Sizes.BLOCK_BYTES);
        byte[] block = blocks[index];
        if (block == null) {
            block = new byte[Sizes.BLOCK_BYTES];
            blocks[index] = block;
        }
        return block;
    }
}
