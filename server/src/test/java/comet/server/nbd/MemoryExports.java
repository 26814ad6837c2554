package comet.server.nbd;

import comet.volume.BlockDevice;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Devices in memory under names. Answers at once, or when it is told to.
final class MemoryExports implements Exports {
    private final Map<String, MemoryDevice> devices = new LinkedHashMap<>();
    private final Map<String, Integer> elsewhere = new LinkedHashMap<>();
    private final List<Runnable> held = new ArrayList<>();
    boolean hold;
    boolean shuttingDown;

    /// Refusals say the name.
    boolean echo;

    int found;
    int open;
    int opened;

    MemoryDevice add(String name, long sizeBytes, boolean readOnly) {
        MemoryDevice device = new MemoryDevice(sizeBytes, readOnly, name.hashCode());
        devices.put(name, device);
        return device;
    }

    /// A device that another loop serves.
    void addElsewhere(String name, MemoryDevice device, int place) {
        devices.put(name, device);
        elsewhere.put(name, place);
    }

    /// This loop serves it from now on.
    boolean here(String name) {
        return elsewhere.remove(name) != null;
    }

    int held() {
        return held.size();
    }

    /// Gives the answers that were held back.
    void answer() {
        List<Runnable> now = List.copyOf(held);
        held.clear();
        now.forEach(Runnable::run);
    }

    @Override
    public void list(Listed listed) {
        run(() -> listed.listed(devices.keySet().stream().map(this::export).toList()));
    }

    @Override
    public void find(String name, Found done) {
        found++;
        run(() -> {
            if (shuttingDown) {
                done.refused(Refusal.SHUTDOWN, "stopping");
            } else if (devices.containsKey(name)) {
                done.found(export(name));
            } else {
                done.refused(Refusal.UNKNOWN, echo ? "there is no " + name : "no such export");
            }
        });
    }

    @Override
    public void open(String name, Opened done) {
        run(() -> {
            MemoryDevice device = devices.get(name);
            if (device == null) {
                done.refused(Refusal.UNKNOWN, echo ? "there is no " + name : "no such export");
            } else if (elsewhere.containsKey(name)) {
                done.elsewhere(elsewhere.get(name));
            } else {
                open++;
                opened++;
                done.opened(export(name), device);
            }
        });
    }

    @Override
    public void close(BlockDevice device) {
        open--;
    }

    private Export export(String name) {
        MemoryDevice device = devices.get(name);
        return new Export(name, "in memory", device.sizeBytes(), device.readOnly());
    }

    private void run(Runnable answer) {
        if (hold) {
            held.add(answer);
        } else {
            answer.run();
        }
    }
}
