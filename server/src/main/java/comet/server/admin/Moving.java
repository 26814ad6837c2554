package comet.server.admin;

import comet.cluster.ClusterMap;
import comet.cluster.ClusterSetting;
import comet.cluster.MemberState;
import comet.cluster.PgConfig;
import comet.meta.Moves;
import comet.server.raft.DiskUse;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// Placement groups that move to other disks, and how long that will take.
///
/// @param paused only what makes up for lost copies goes on
/// @param waiting placement groups that are still to begin
/// @param moving those under way
/// @param moved since the leader of the metadata group leads
/// @param bytesLeft about: by what the disks that are left hold
/// @param perMinute done in the last minute
/// @param secondsLeft null where nothing was done in the last minute
/// @param rebuildImpossible copies that are lost and that no disk can take
/// @param rebuildAfterSeconds how long a disk is away before its copies are made anew; 0: never
public record Moving(
        boolean paused,
        int waiting,
        int moving,
        long moved,
        @Nullable Long bytesLeft,
        int perMinute,
        @Nullable Long secondsLeft,
        int rebuildImpossible,
        long rebuildAfterSeconds) {

    static Moving of(ClusterMap map, GroupStatus status) {
        Moves.Progress progress = status.moves();
        int left = progress.waiting() + progress.moving();
        int rate = progress.perMinute();
        return new Moving(
                map.settings().of(ClusterSetting.REBALANCE) == 0,
                progress.waiting(),
                progress.moving(),
                progress.moved(),
                bytes(map, status, progress),
                rate,
                left == 0 ? Long.valueOf(0) : rate == 0 ? null : Long.valueOf(60L * left / rate),
                progress.rebuildImpossible(),
                map.settings().of(ClusterSetting.REBUILD_AFTER));
    }

    private static @Nullable Long bytes(
            ClusterMap map, GroupStatus status, Moves.Progress progress) {
        if (progress.fromDisks().isEmpty()) {
            return 0L;
        }
        Map<Integer, Integer> groups = new TreeMap<>();
        for (int pg = 0; pg < map.pgCount(); pg++) {
            for (PgConfig.Member member : map.pg(pg).members()) {
                boolean whole = member.state() != MemberState.RECOVERING;
                groups.merge(member.diskId(), whole ? 1 : 0, Integer::sum);
            }
        }
        long bytes = 0;
        for (Map.Entry<Integer, Integer> entry : progress.fromDisks().entrySet()) {
            DiskUse use = status.use(entry.getKey());
            int holds = groups.getOrDefault(entry.getKey(), 0);
            if (use == null) {
                return null;
            }
            bytes += holds == 0 ? 0 : (long) ((double) use.usedBytes() / holds * entry.getValue());
        }
        return bytes;
    }

    int left() {
        return waiting + moving;
    }

    /// For people: how much, and how long.
    String text() {
        String time = secondsLeft == null ? "" : ", about " + time(secondsLeft) + " left";
        return "%d placement groups are to move, %d of them do so now%s"
                .formatted(left(), moving, time);
    }

    static String time(long seconds) {
        return seconds < 120
                ? seconds + " s"
                : seconds < 7200 ? seconds / 60 + " min" : seconds / 3600 + " h";
    }
}
