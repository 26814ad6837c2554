package comet.server.nbd;

import comet.base.BufPool;
import java.util.ArrayDeque;

/// What the sessions of one loop have in common: one set of pools.
final class NbdShared {
    private static final int KEPT_MAX = 4096;

    final Exports exports;
    final NbdLimits limits;
    final NbdBudget budget;
    final NbdCounters counters = new NbdCounters();

    /// Two pools, since a transport keeps its own view with a buffer ([comet.base.Buf#attachment]):
    /// buffers that were read into go out through this server, those written from go elsewhere.
    final BufPool readPool;

    final BufPool writePool;

    final Zeroes zeroes = new Zeroes();

    private final ArrayDeque<NbdRequest> requests = new ArrayDeque<>();
    private final ArrayDeque<NbdPiece> pieces = new ArrayDeque<>();

    NbdShared(Exports exports, NbdLimits limits) {
        this.exports = exports;
        this.limits = limits;
        budget = new NbdBudget(limits.totalBytesMax(), limits.privateBytes());
        readPool = new BufPool(limits.keptBytesMax());
        writePool = new BufPool(limits.keptBytesMax());
    }

    NbdRequest takeRequest() {
        NbdRequest request = requests.pollLast();
        return request == null ? new NbdRequest() : request;
    }

    void giveBack(NbdRequest request) {
        if (requests.size() < KEPT_MAX) {
            requests.addLast(request);
        }
    }

    NbdPiece takePiece() {
        NbdPiece piece = pieces.pollLast();
        return piece == null ? new NbdPiece() : piece;
    }

    void giveBack(NbdPiece piece) {
        if (pieces.size() < KEPT_MAX) {
            pieces.addLast(piece);
        }
    }
}
