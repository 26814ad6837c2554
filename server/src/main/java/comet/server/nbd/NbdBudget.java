package comet.server.nbd;

import comet.base.Check;
import java.util.ArrayDeque;

/// Memory that all connections share, granted in the order of asking: who gets none waits in a
/// queue, and nobody behind overtakes, so that large requests are not starved by small ones. What a
/// session holds up to its private part is not counted here.
final class NbdBudget {
    private final long privateBytes;
    private final long totalBytes;
    private final ArrayDeque<NbdSession> waiting = new ArrayDeque<>();
    private long freeBytes;

    NbdBudget(long totalBytes, long privateBytes) {
        this.totalBytes = totalBytes;
        this.privateBytes = privateBytes;
        freeBytes = totalBytes;
    }

    /// Grants `bytes` more to a session that holds `heldBytes`, or queues it: then it is resumed
    /// when its turn has come, and asks again.
    boolean take(NbdSession session, long heldBytes, long bytes) {
        long need = shared(heldBytes + bytes) - shared(heldBytes);
        boolean first = waiting.isEmpty() || waiting.peekFirst() == session;
        if (need > 0 && (!first || need > freeBytes)) {
            if (!session.waitsForBudget) {
                session.waitsForBudget = true;
                waiting.addLast(session);
            }
            return false;
        }
        freeBytes -= need;
        leave(session);
        return true;
    }

    /// @param heldBytes what the session held before it gave back
    void give(long heldBytes, long bytes) {
        freeBytes += shared(heldBytes) - shared(heldBytes - bytes);
        Check.that(freeBytes <= totalBytes, "budget", freeBytes, totalBytes);
        wakeFirst();
    }

    /// The session waits no more (served, or dead).
    void leave(NbdSession session) {
        if (session.waitsForBudget) {
            session.waitsForBudget = false;
            boolean wasFirst = waiting.peekFirst() == session;
            waiting.remove(session);
            if (wasFirst) {
                wakeFirst();
            }
        }
    }

    boolean scarce() {
        return !waiting.isEmpty();
    }

    boolean holdsShared(long heldBytes) {
        return shared(heldBytes) > 0;
    }

    long freeBytes() {
        return freeBytes;
    }

    private void wakeFirst() {
        NbdSession first = waiting.peekFirst();
        if (first != null && freeBytes > 0) {
            first.wire.resume();
        }
    }

    private long shared(long heldBytes) {
        return Math.max(0, heldBytes - privateBytes);
    }
}
