package comet.server.nbd;

import comet.base.Buf;
import comet.base.BufPool;
import comet.base.Check;
import comet.base.Sizes;
import comet.volume.BlockDevice;
import io.netty.buffer.ByteBuf;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/// The second phase: requests, their data, and handing them to the device.
///
/// A request's data is cut at chunk borders. A piece of a write goes to the device as soon as it
/// has arrived, and reserves memory only when it begins to: a write never waits for memory with
/// pieces of its own in hand that nobody works on. A read reserves everything at once, since its
/// reply leaves in one go.
final class NbdTransmission {
    private enum State {
        /// Between requests.
        HEADER,
        /// `arriving` is a READ or BLOCK_STATUS that waits for memory.
        ADMIT,
        /// `arriving` is a WRITE whose data comes.
        DATA,
        /// `arriving` is a WRITE that was refused; its data is thrown away first.
        SKIP
    }

    final NbdSession session;
    final NbdShared shared;
    private final BlockDevice device;
    private final NbdReplies replies;
    private final boolean structured;
    private final boolean readOnly;
    private final boolean statusContext;
    private State state = State.HEADER;
    private @Nullable NbdRequest arriving;
    private @Nullable NbdPiece piece;

    /// Of the arriving write: bytes that belong to no piece yet, or that are to be skipped.
    private long dataLeft;

    private Nbd.Refusal refusal = Nbd.Refusal.NONE;

    NbdTransmission(
            NbdSession session,
            BlockDevice device,
            boolean structured,
            boolean readOnly,
            boolean statusContext) {
        this.session = session;
        this.shared = session.shared;
        this.device = device;
        this.structured = structured;
        this.readOnly = readOnly;
        this.statusContext = statusContext;
        replies = new NbdReplies(this, structured);
    }

    NbdSession.Step consume(ByteBuf in) {
        return switch (state) {
            case HEADER -> header(in);
            case ADMIT -> admit();
            case DATA -> data(in);
            case SKIP -> skip(in);
        };
    }

    boolean awaitsData() {
        return state == State.DATA || state == State.SKIP;
    }

    @Nullable NbdPiece awaited() {
        return piece;
    }

    /// The session ends: the request that was still arriving is forgotten. Pieces of it that the
    /// device has already end as they do.
    void dropArriving() {
        NbdRequest request = arriving;
        if (request == null) {
            return;
        }
        arriving = null;
        state = State.HEADER;
        if (piece != null) {
            dropPiece(piece);
            piece = null;
        }
        request.forgotten = true;
        request.done(0);
    }

    private NbdSession.Step header(ByteBuf in) {
        if (!session.mayBegin()) {
            return NbdSession.Step.BLOCKED;
        }
        ByteBuf header = session.whole(in, Nbd.REQUEST_BYTES);
        if (header == null) {
            return NbdSession.Step.NEED_BYTES;
        }
        int magic = header.readInt();
        if (magic != Nbd.REQUEST_MAGIC) {
            header.skipBytes(Nbd.REQUEST_BYTES - 4);
            session.violation("a request without the magic number");
            return NbdSession.Step.NEED_BYTES;
        }
        NbdRequest request = shared.takeRequest();
        request.start(this);
        request.flags = header.readUnsignedShort();
        request.command = header.readUnsignedShort();
        request.cookie = header.readLong();
        request.offset = header.readLong();
        request.length = header.readUnsignedInt();
        shared.counters.request(request.command);
        if (request.command == Nbd.CMD_DISC) {
            giveBack(request);
            session.goodbye();
            return NbdSession.Step.NEED_BYTES;
        }
        session.requestBegun();
        request.opened();
        begin(request);
        return NbdSession.Step.GO_ON;
    }

    /// The request is open once on behalf of this method and of what follows it; that part ends
    /// when everything has been handed to the device.
    private void begin(NbdRequest request) {
        refusal = refuse(request);
        if (request.command == Nbd.CMD_WRITE && request.length > 0) {
            arriving = request;
            dataLeft = request.length;
            state = refusal == Nbd.Refusal.NONE ? State.DATA : State.SKIP;
        } else if (refusal != Nbd.Refusal.NONE) {
            request.refusal = refusal;
            request.done(refusal.errno);
        } else if (request.length > 0
                && (request.command == Nbd.CMD_READ || request.command == Nbd.CMD_BLOCK_STATUS)) {
            arriving = request;
            state = State.ADMIT;
        } else {
            execute(request);
            request.done(0);
        }
    }

    private Nbd.Refusal refuse(NbdRequest request) {
        int command = request.command;
        boolean writes =
                command == Nbd.CMD_WRITE
                        || command == Nbd.CMD_TRIM
                        || command == Nbd.CMD_WRITE_ZEROES;
        if (command > Nbd.CMD_BLOCK_STATUS) {
            return Nbd.Refusal.COMMAND;
        }
        if (writes && readOnly) {
            return Nbd.Refusal.READ_ONLY;
        }
        if ((request.flags & ~flagsOf(command)) != 0) {
            return Nbd.Refusal.FLAGS;
        }
        if (command == Nbd.CMD_FLUSH) {
            boolean plain = request.offset == 0 && request.length == 0;
            return plain ? Nbd.Refusal.NONE : Nbd.Refusal.FLUSH_RANGE;
        }
        if (command == Nbd.CMD_BLOCK_STATUS && !statusContext) {
            return Nbd.Refusal.NO_CONTEXT;
        }
        if (command == Nbd.CMD_BLOCK_STATUS && request.length == 0) {
            return Nbd.Refusal.NO_LENGTH;
        }
        long size = device.sizeBytes();
        // The offset is unsigned on the wire; a negative one here is far behind the end.
        if (request.offset < 0 || request.offset > size || request.length > size - request.offset) {
            boolean enlarges = command == Nbd.CMD_WRITE || command == Nbd.CMD_WRITE_ZEROES;
            return enlarges ? Nbd.Refusal.WRITE_PAST_END : Nbd.Refusal.PAST_END;
        }
        if (request.length > Nbd.PAYLOAD_BYTES_MAX) {
            if (command == Nbd.CMD_WRITE) {
                return Nbd.Refusal.TOO_LONG;
            }
            if (command == Nbd.CMD_READ) {
                return structured ? Nbd.Refusal.READ_TOO_LONG : Nbd.Refusal.TOO_LONG;
            }
        }
        return Nbd.Refusal.NONE;
    }

    /// FUA is offered, so it is accepted on every command.
    private int flagsOf(int command) {
        return Nbd.FLAG_FUA
                | switch (command) {
                    case Nbd.CMD_READ -> structured ? Nbd.FLAG_DF : 0;
                    case Nbd.CMD_WRITE_ZEROES -> Nbd.FLAG_NO_HOLE | Nbd.FLAG_FAST_ZERO;
                    case Nbd.CMD_BLOCK_STATUS -> Nbd.FLAG_REQ_ONE;
                    default -> 0;
                };
    }

    private NbdSession.Step admit() {
        NbdRequest request = arriving();
        boolean status = request.command == Nbd.CMD_BLOCK_STATUS;
        int bytes = status ? NbdLimits.EXTENTS_MAX * 8 : readBytes(request);
        if (!session.reserve(bytes)) {
            return NbdSession.Step.BLOCKED;
        }
        arriving = null;
        state = State.HEADER;
        if (status) {
            request.takeExtents(shared.readPool);
            request.opened();
            session.inDevice = true;
            device.status(request.offset, request.length, request);
            session.inDevice = false;
        } else {
            read(request);
        }
        request.done(0);
        return NbdSession.Step.GO_ON;
    }

    /// What the buffers of a read take: more than its length where that is small or not aligned.
    private static int readBytes(NbdRequest request) {
        int bytes = 0;
        long end = request.offset + request.length;
        long offset = request.offset;
        while (offset < end) {
            int length = pieceBytes(offset, end - offset);
            bytes += BufPool.capacity(inBlock(offset) + length);
            offset += length;
        }
        return bytes;
    }

    private void read(NbdRequest request) {
        long offset = request.offset;
        long left = request.length;
        while (left > 0) {
            int length = pieceBytes(offset, left);
            int inBlock = inBlock(offset);
            NbdPiece part = shared.takePiece();
            Buf target = shared.readPool.take(inBlock + length);
            part.start(request, target, inBlock, length);
            request.append(part);
            request.opened();
            session.inDevice = true;
            device.read(offset, length, target, inBlock, part);
            session.inDevice = false;
            offset += length;
            left -= length;
        }
    }

    private void execute(NbdRequest request) {
        session.inDevice = true;
        switch (request.command) {
            case Nbd.CMD_FLUSH -> {
                request.opened();
                device.flush(request);
            }
            case Nbd.CMD_TRIM -> {
                if (request.length > 0) {
                    request.opened();
                    device.trim(request.offset, request.length, deviceFlags(request), request);
                }
            }
            case Nbd.CMD_WRITE_ZEROES -> {
                if (request.length > 0) {
                    request.opened();
                    device.writeZeroes(
                            request.offset, request.length, deviceFlags(request), request);
                }
            }
            default -> {
                // CACHE is a hint that may do nothing; READ and WRITE of no bytes do nothing.
            }
        }
        session.inDevice = false;
    }

    private static int deviceFlags(NbdRequest request) {
        return (request.has(Nbd.FLAG_FUA) ? BlockDevice.FUA : 0)
                | (request.has(Nbd.FLAG_NO_HOLE) ? BlockDevice.NO_HOLE : 0)
                | (request.has(Nbd.FLAG_FAST_ZERO) ? BlockDevice.FAST_ZERO : 0);
    }

    private NbdSession.Step data(ByteBuf in) {
        NbdRequest request = arriving();
        NbdPiece part = piece;
        if (part == null) {
            long offset = request.offset + request.length - dataLeft;
            int length = pieceBytes(offset, dataLeft);
            int inBlock = inBlock(offset);
            if (!session.reserve(BufPool.capacity(inBlock + length))) {
                return NbdSession.Step.BLOCKED;
            }
            part = shared.takePiece();
            part.start(request, shared.writePool.take(inBlock + length), inBlock, length);
            piece = part;
        }
        int taken = Math.min(in.readableBytes(), part.length - part.filled);
        if (taken > 0) {
            ByteBuffer target = part.buf().bytes();
            int at = part.bufOffset + part.filled;
            target.limit(at + taken).position(at);
            in.readBytes(target);
            target.clear();
            part.filled += taken;
        }
        if (part.filled < part.length) {
            return NbdSession.Step.NEED_BYTES;
        }
        piece = null;
        long offset = request.offset + request.length - dataLeft;
        dataLeft -= part.length;
        request.opened();
        int flags = request.has(Nbd.FLAG_FUA) ? BlockDevice.FUA : 0;
        session.inDevice = true;
        device.write(offset, part.length, part.buf(), part.bufOffset, flags, part);
        session.inDevice = false;
        if (dataLeft == 0) {
            arriving = null;
            state = State.HEADER;
            request.done(0);
        }
        return NbdSession.Step.GO_ON;
    }

    private NbdSession.Step skip(ByteBuf in) {
        int skipped = (int) Math.min(dataLeft, in.readableBytes());
        in.skipBytes(skipped);
        dataLeft -= skipped;
        if (dataLeft > 0) {
            return NbdSession.Step.NEED_BYTES;
        }
        NbdRequest request = arriving();
        arriving = null;
        state = State.HEADER;
        request.refusal = refusal;
        request.done(refusal.errno);
        return NbdSession.Step.GO_ON;
    }

    /// Up to the end of the chunk in which `offset` lies.
    private static int pieceBytes(long offset, long left) {
        return (int) Math.min(left, Sizes.CHUNK_BYTES - (offset & Sizes.CHUNK_BYTES - 1));
    }

    private static int inBlock(long offset) {
        return (int) offset & Sizes.BLOCK_BYTES - 1;
    }

    // From requests and pieces.

    void dropPiece(NbdPiece done) {
        int reserved = done.reserved;
        done.clear();
        shared.giveBack(done);
        session.release(reserved);
    }

    void ended(NbdRequest request) {
        if (request.errno != 0) {
            shared.counters.requestsFailed++;
        }
        if (session.isDead() || request.forgotten) {
            discard(request);
        } else {
            replies.answer(request);
        }
        giveBack(request);
        session.requestEnded();
    }

    /// Lets go of what a request holds that is not sent.
    void discard(NbdRequest request) {
        for (NbdPiece part = request.takePiece(); part != null; part = request.takePiece()) {
            dropPiece(part);
        }
        if (request.extents != null) {
            request.extents.release();
            request.extents = null;
            session.release(NbdLimits.EXTENTS_MAX * 8);
        }
    }

    private void giveBack(NbdRequest request) {
        request.clear();
        shared.giveBack(request);
    }

    private NbdRequest arriving() {
        if (arriving == null) {
            throw Check.failed("no request is arriving");
        }
        return arriving;
    }
}
