package comet.volume;

import comet.base.Check;
import java.util.ArrayDeque;

/// Parts and requests kept for reuse. Bounded by what was ever under way at once.
final class PartPool {
    private final ArrayDeque<ReadPart> reads = new ArrayDeque<>();
    private final ArrayDeque<WritePart> writes = new ArrayDeque<>();
    private final ArrayDeque<Request> requests = new ArrayDeque<>();

    ReadPart read() {
        ReadPart part = reads.pollLast();
        return part == null ? new ReadPart() : part;
    }

    WritePart write() {
        WritePart part = writes.pollLast();
        return part == null ? new WritePart() : part;
    }

    Request request() {
        Request request = requests.pollLast();
        return request == null ? new Request() : request;
    }

    void giveBack(ReadPart part) {
        Check.that(!part.queued && part.active == null, "a read is given back in use");
        part.clear();
        reads.addLast(part);
    }

    void giveBack(WritePart part) {
        Check.that(!part.queued && part.active == null, "a write is given back in use");
        part.clear();
        writes.addLast(part);
    }

    void giveBack(Request request) {
        request.clear();
        requests.addLast(request);
    }
}
