package comet.server.up;

import comet.cluster.VolumeInfo;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// For how long deleted volumes can still be restored.
///
/// A volume says at what time of day it was deleted, and clocks are set: one that jumps by a day
/// must not purge what was deleted a minute ago. So a volume's age is taken from the clock once,
/// when it is first met, and counted from there by a clock that nobody sets. Even the first look is
/// not trusted to the end: some minutes are always left (the whole period, where it is shorter), in
/// which a clock that was wrong at the start of the machine is put right.
final class Grace {
    private static final Duration LEFT_LEAST = Duration.ofMinutes(10);

    /// In nanoseconds it has to fit into 64 bits.
    private static final Duration LONGEST = Duration.ofDays(36_500);

    private final long periodMs;
    private final long oldestMs;
    private final Map<Long, Span> spans = new HashMap<>();

    /// @param deletedAtMs a volume that was restored and deleted again counts anew
    private record Span(long deletedAtMs, long endNs) {}

    Grace(Duration period) {
        periodMs = Math.min(period.toMillis(), LONGEST.toMillis());
        oldestMs = Math.max(0, periodMs - LEFT_LEAST.toMillis());
    }

    void forget() {
        spans.clear();
    }

    /// Those whose time is over.
    ///
    /// @param deleted all that are deleted
    /// @param nowMs wall clock, looked at for those that are new
    List<VolumeInfo> due(List<VolumeInfo> deleted, long nowNs, long nowMs) {
        List<VolumeInfo> due = new ArrayList<>();
        Map<Long, Span> known = Map.copyOf(spans);
        spans.clear();
        for (VolumeInfo volume : deleted) {
            Span span = known.get(volume.volumeId());
            if (span == null || span.deletedAtMs != volume.deletedAtMs()) {
                long ageMs = Math.clamp(nowMs - volume.deletedAtMs(), 0, oldestMs);
                span = new Span(volume.deletedAtMs(), nowNs + (periodMs - ageMs) * 1_000_000);
            }
            spans.put(volume.volumeId(), span);
            if (nowNs - span.endNs >= 0) {
                due.add(volume);
            }
        }
        return due;
    }
}
