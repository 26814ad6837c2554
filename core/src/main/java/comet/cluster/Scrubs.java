package comet.cluster;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// The latest orders to scrub, and the latest reports of every disk: one on all it has, and one for
/// each placement group that was ordered. Each with the revision at which it came.
public final class Scrubs {
    /// Orders remembered; of older ones the reports are forgotten, too.
    public static final int ORDERS_MAX = 256;

    private record Entry<V>(V value, long revision) {}

    private final TreeMap<Long, Entry<ScrubOrder>> orders = new TreeMap<>();
    private final TreeMap<Long, Entry<ScrubReport>> reports = new TreeMap<>();

    public void put(ScrubOrder order, long revision) {
        orders.put(order.id(), new Entry<>(order, revision));
        while (orders.size() > ORDERS_MAX) {
            long forgotten = orders.firstKey();
            orders.pollFirstEntry();
            reports.values().removeIf(e -> e.value.pg() >= 0 && e.value.orderId() <= forgotten);
        }
    }

    public void put(ScrubReport report, long revision) {
        reports.put(key(report.diskId(), report.pg()), new Entry<>(report, revision));
    }

    private static long key(int diskId, int pg) {
        return (long) diskId << 32 | pg + 1;
    }

    public void clear() {
        orders.clear();
        reports.clear();
    }

    /// The id of the newest order, 0 where there was none.
    public long lastId() {
        return orders.isEmpty() ? 0 : orders.lastKey();
    }

    public @Nullable ScrubOrder order(long id) {
        Entry<ScrubOrder> entry = orders.get(id);
        return entry == null ? null : entry.value;
    }

    /// The newest order for a placement group, or null.
    public @Nullable ScrubOrder orderOf(int pg) {
        for (Entry<ScrubOrder> entry : orders.descendingMap().values()) {
            if (entry.value.pg() == pg && pg >= 0) {
                return entry.value;
            }
        }
        return null;
    }

    /// @param pg -1: on all of the disk
    public @Nullable ScrubReport report(int diskId, int pg) {
        Entry<ScrubReport> entry = reports.get(key(diskId, pg));
        return entry == null ? null : entry.value;
    }

    /// In order of their ids.
    public List<ScrubOrder> ordersAfter(long revision) {
        List<ScrubOrder> found = new ArrayList<>();
        for (Entry<ScrubOrder> entry : orders.values()) {
            if (entry.revision > revision) {
                found.add(entry.value);
            }
        }
        return found;
    }

    public List<ScrubOrder> orders() {
        return ordersAfter(-1);
    }

    /// In order of disks and placement groups.
    public List<ScrubReport> reportsAfter(long revision) {
        List<ScrubReport> found = new ArrayList<>();
        for (Entry<ScrubReport> entry : reports.values()) {
            if (entry.revision > revision) {
                found.add(entry.value);
            }
        }
        return found;
    }

    public List<ScrubReport> reports() {
        return reportsAfter(-1);
    }
}
