package comet.sim.check;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// G6: once a disk has answered the opening of a newer attachment it takes no write of an older
/// one, in this life or a later one.
public final class G6OneWriter {
    private record Written(long volumeId, long term, boolean late) {}

    private record Opening(long volumeId, long term) {}

    private record At(int diskId, long volumeId) {}

    /// The newest term opened.
    private final Map<At, Long> opened = new HashMap<>();

    private final TreeMap<Long, Written> writes = new TreeMap<>();
    private final TreeMap<Long, Opening> openings = new TreeMap<>();
    private final List<Violation> violations = new ArrayList<>();

    /// An OPEN reaches a disk. `request` names connection and request.
    public void onOpen(long request, long volumeId, long term) {
        openings.put(request, new Opening(volumeId, term));
    }

    /// The disk answers it well.
    public void onOpened(long request, int diskId) {
        Opening opening = openings.remove(request);
        if (opening != null) {
            opened.merge(new At(diskId, opening.volumeId), opening.term, Math::max);
        }
    }

    /// A WRITE reaches a disk.
    public void onWrite(long request, int diskId, long volumeId, long term) {
        boolean late = term < opened.getOrDefault(new At(diskId, volumeId), 0L);
        writes.put(request, new Written(volumeId, term, late));
    }

    /// The disk answers that it has applied or noted it.
    public void onWritten(long request, int diskId) {
        Written write = writes.remove(request);
        if (write != null && write.late) {
            violations.add(
                    new Violation(
                            "G6",
                            "disk "
                                    + diskId
                                    + " took "
                                    + write
                                    + " after it had answered the opening with term "
                                    + opened.get(new At(diskId, write.volumeId))));
        }
    }

    public @Nullable Violation check() {
        return violations.isEmpty() ? null : violations.getFirst();
    }
}
