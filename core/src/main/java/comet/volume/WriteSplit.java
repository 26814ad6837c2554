package comet.volume;

import comet.base.Buf;
import comet.base.Sizes;
import comet.wire.WriteRequest;

/// Cuts requests at chunk borders into parts, a bounded number at a time, and rounds: a write and a
/// zeroing to whole blocks that are merged, a trim to the whole blocks inside its range.
final class WriteSplit {
    /// Parts of one request under way at once.
    private static final int WINDOW = 16;

    private final Volume volume;
    private final Gateway gateway;

    WriteSplit(Volume volume) {
        this.volume = volume;
        gateway = volume.gateway();
    }

    /// Makes as many parts as may be under way; called again as they end.
    void pump(Request request) {
        if (request.splitting) {
            return;
        }
        request.splitting = true;
        while (request.cursor < request.end() && request.partsOpen < WINDOW && request.errno == 0) {
            next(request);
        }
        request.splitting = false;
        if (request.partsOpen == 0) {
            volume.finish(request);
        }
    }

    private void next(Request request) {
        long from = request.cursor;
        int chunk = (int) (from >>> Sizes.CHUNK_SHIFT);
        int start = (int) (from & Sizes.CHUNK_BYTES - 1);
        long left = request.end() - from;
        int length = (int) Math.min(left, Sizes.CHUNK_BYTES - start);
        switch (request.kind) {
            case READ -> read(request, chunk, start, length);
            case WRITE -> data(request, chunk, start, length);
            case ZERO -> {
                length = zeroLength(request, start, length);
                zero(request, chunk, start, length);
            }
            case TRIM -> trim(request, chunk, start, length);
            case FLUSH, STATUS -> throw comet.base.Check.failed("not to be split");
        }
    }

    private void read(Request request, int chunk, int start, int length) {
        int first = start >>> Sizes.BLOCK_SHIFT;
        int last = start + length - 1 >>> Sizes.BLOCK_SHIFT;
        ReadPart part = gateway.parts().read();
        part.place(volume, chunk, first, last - first + 1);
        int at = request.bufferOffset + (int) (request.cursor - request.offset);
        Buf target = request.buffer;
        if (target == null) {
            throw comet.base.Check.failed("read without target");
        }
        part.wants(target, at, start - (first << Sizes.BLOCK_SHIFT), length);
        part.loose = request.loose;
        begin(request, part, length);
    }

    private void data(Request request, int chunk, int start, int length) {
        WritePart part = gateway.parts().write();
        part.op = WriteRequest.OP_DATA;
        part.source = request.buffer;
        part.sourceOffset = request.bufferOffset + (int) (request.cursor - request.offset);
        placeBytes(part, chunk, start, length);
        write(request, part, length);
    }

    private void placeBytes(WritePart part, int chunk, int start, int length) {
        int first = start >>> Sizes.BLOCK_SHIFT;
        int last = start + length - 1 >>> Sizes.BLOCK_SHIFT;
        part.place(volume, chunk, first, last - first + 1);
        part.fromByte = start - (first << Sizes.BLOCK_SHIFT);
        part.byteCount = length;
    }

    /// Zeroes are cut at the borders of the whole blocks, too, unless they are written as data.
    private static int zeroLength(Request request, int start, int length) {
        if ((request.flags & BlockDevice.NO_HOLE) != 0) {
            return length;
        }
        int inBlock = start & Sizes.BLOCK_BYTES - 1;
        if (inBlock != 0 || length < Sizes.BLOCK_BYTES) {
            return Math.min(length, Sizes.BLOCK_BYTES - inBlock);
        }
        return length & -Sizes.BLOCK_BYTES;
    }

    private void zero(Request request, int chunk, int start, int length) {
        WritePart part = gateway.parts().write();
        boolean whole = ((start | length) & Sizes.BLOCK_BYTES - 1) == 0;
        boolean allocate = (request.flags & BlockDevice.NO_HOLE) != 0;
        if (whole && !allocate) {
            part.op = WriteRequest.OP_ZERO;
            part.place(volume, chunk, start >>> Sizes.BLOCK_SHIFT, length >>> Sizes.BLOCK_SHIFT);
        } else {
            part.op = WriteRequest.OP_DATA;
            part.source = gateway.zeros();
            part.sourceOffset = 0;
            placeBytes(part, chunk, start, length);
        }
        part.skipIfAbsent = !allocate;
        write(request, part, length);
    }

    private void trim(Request request, int chunk, int start, int length) {
        int first = start + Sizes.BLOCK_BYTES - 1 >>> Sizes.BLOCK_SHIFT;
        int behind = start + length >>> Sizes.BLOCK_SHIFT;
        if (first >= behind) {
            request.cursor += length;
            return;
        }
        WritePart part = gateway.parts().write();
        part.op = WriteRequest.OP_TRIM;
        part.place(volume, chunk, first, behind - first);
        part.skipIfAbsent = true;
        write(request, part, length);
    }

    private void write(Request request, WritePart part, int length) {
        part.durable = (request.flags & BlockDevice.FUA) != 0 || volume.writesAreDurable();
        begin(request, part, length);
    }

    private void begin(Request request, ChunkPart part, int length) {
        part.request = request;
        request.cursor += length;
        request.partsOpen++;
        volume.addLive(part);
        if (request.loose || volume.order().enter(part)) {
            part.advance();
        }
    }
}
