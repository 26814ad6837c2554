package comet.server.nbd;

import comet.base.Buf;
import io.netty.buffer.ByteBuf;

/// Answers to requests. Simple replies where they are allowed and say everything; chunks for
/// everything with data once the client has asked for them, and for errors, which then carry a
/// text.
///
/// All data is in memory before the first byte of a reply is appended, so nothing can fail any more
/// and the last chunk carries DONE itself.
final class NbdReplies {
    private final NbdTransmission transmission;
    private final NbdSession session;
    private final NbdShared shared;
    private final boolean structured;

    NbdReplies(NbdTransmission transmission, boolean structured) {
        this.transmission = transmission;
        this.session = transmission.session;
        this.shared = session.shared;
        this.structured = structured;
    }

    /// Answers, and lets go of the request's buffers.
    void answer(NbdRequest request) {
        int errno =
                request.refusal == Nbd.Refusal.NONE
                        ? Nbd.errnoOnWire(request.errno, request.has(Nbd.FLAG_FAST_ZERO))
                        : request.refusal.errno;
        if (errno != 0) {
            transmission.discard(request);
            error(request, errno);
        } else if (request.command == Nbd.CMD_READ && structured) {
            readChunks(request);
        } else if (request.command == Nbd.CMD_BLOCK_STATUS) {
            status(request);
        } else {
            simple(request, 0);
            for (NbdPiece piece = request.takePiece(); piece != null; piece = request.takePiece()) {
                send(piece);
            }
        }
        count(request, errno);
    }

    private void count(NbdRequest request, int errno) {
        if (errno == 0 && request.command == Nbd.CMD_READ) {
            shared.counters.readBytes += request.length;
        } else if (errno == 0 && request.command == Nbd.CMD_WRITE) {
            shared.counters.writtenBytes += request.length;
        }
    }

    private void simple(NbdRequest request, int errno) {
        ByteBuf out = session.wire.out();
        out.writeInt(Nbd.SIMPLE_MAGIC);
        out.writeInt(errno);
        out.writeLong(request.cookie);
    }

    private void error(NbdRequest request, int errno) {
        if (!structured) {
            simple(request, errno);
            return;
        }
        byte[] text = request.refusal.text;
        ByteBuf out = chunk(request, Nbd.CHUNK_DONE, Nbd.CHUNK_ERROR, 6 + text.length);
        out.writeInt(errno);
        out.writeShort(text.length);
        out.writeBytes(text);
    }

    private ByteBuf chunk(NbdRequest request, int flags, int type, int length) {
        ByteBuf out = session.wire.out();
        out.writeInt(Nbd.CHUNK_MAGIC);
        out.writeShort(flags);
        out.writeShort(type);
        out.writeLong(request.cookie);
        out.writeInt(length);
        return out;
    }

    /// One chunk, unless whole pieces are zero: a hole saves the client's and our own socket their
    /// bytes, and looking costs next to nothing, since other data differs at once.
    private void readChunks(NbdRequest request) {
        if (request.first == null) {
            chunk(request, Nbd.CHUNK_DONE, Nbd.CHUNK_NONE, 0);
            return;
        }
        findZeroes(request);
        long offset = request.offset;
        NbdPiece piece = request.first;
        while (piece != null) {
            boolean zero = piece.zero;
            int length = piece.length;
            NbdPiece end = piece.next;
            while (end != null && end.zero == zero) {
                length += end.length;
                end = end.next;
            }
            int flags = end == null ? Nbd.CHUNK_DONE : 0;
            if (zero) {
                ByteBuf out = chunk(request, flags, Nbd.CHUNK_OFFSET_HOLE, 12);
                out.writeLong(offset);
                out.writeInt(length);
            } else {
                ByteBuf out = chunk(request, flags, Nbd.CHUNK_OFFSET_DATA, 8 + length);
                out.writeLong(offset);
            }
            offset += length;
            while (piece != end) {
                NbdPiece taken = request.takePiece();
                piece = request.first;
                if (taken != null && zero) {
                    transmission.dropPiece(taken);
                } else if (taken != null) {
                    send(taken);
                }
            }
        }
    }

    private void status(NbdRequest request) {
        Buf extents = request.extents;
        if (extents == null) {
            throw new IllegalStateException("status without extents");
        }
        request.extents = null;
        if (request.extentCount == 0) {
            // Zero flags are always safe to say.
            extents.bytes().putInt(0, Integer.reverseBytes((int) request.length));
            extents.bytes().putInt(4, 0);
            request.extentCount = 1;
        }
        int bytes = request.extentCount * 8;
        ByteBuf out = chunk(request, Nbd.CHUNK_DONE, Nbd.CHUNK_BLOCK_STATUS, 4 + bytes);
        out.writeInt(Nbd.BASE_ALLOCATION_ID);
        if (bytes <= 512) {
            for (int at = 0; at < bytes; at += 4) {
                out.writeIntLE(extents.bytes().getInt(at));
            }
            extents.release();
            session.release(NbdLimits.EXTENTS_MAX * 8);
        } else {
            session.wire.data(extents, 0, bytes);
        }
    }

    private void send(NbdPiece piece) {
        int length = piece.length;
        int offset = piece.bufOffset;
        Buf buf = piece.takeBuf();
        piece.clear();
        shared.giveBack(piece);
        session.wire.data(buf, offset, length);
    }

    private void findZeroes(NbdRequest request) {
        for (NbdPiece piece = request.first; piece != null; piece = piece.next) {
            piece.zero =
                    !request.has(Nbd.FLAG_DF)
                            && shared.zeroes.only(piece.buf(), piece.bufOffset, piece.length);
        }
    }
}
