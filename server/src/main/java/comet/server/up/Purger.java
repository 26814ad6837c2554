package comet.server.up;

import comet.cluster.Command;
import comet.cluster.VolumeInfo;
import comet.server.admin.AdminException;
import comet.server.admin.GroupAccess;
import comet.server.raft.MetaMember;
import java.time.Duration;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Ends the grace period of deleted volumes, in the process of the metadata group's leader. [Grace]
/// counts it.
final class Purger {
    private static final Logger LOG = LoggerFactory.getLogger(Purger.class);
    private static final Duration EVERY = Duration.ofSeconds(5);

    private final MetaMember member;
    private final GroupAccess group;
    private final Grace grace;

    private Purger(MetaMember member, GroupAccess group, Duration grace) {
        this.member = member;
        this.group = group;
        this.grace = new Grace(grace);
    }

    static void start(ProcessCore process, MetaMember member, GroupAccess group, Duration grace) {
        Purger purger = new Purger(member, group, grace);
        Thread thread = Thread.ofVirtual().name("purger").start(purger::run);
        process.closers.add("purger", thread::interrupt);
    }

    private void run() {
        try {
            while (true) {
                Thread.sleep(EVERY);
                if (member.leads()) {
                    purge();
                } else {
                    grace.forget();
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void purge() {
        try {
            List<VolumeInfo> deleted =
                    group.read(map -> map.volumes().stream().filter(VolumeInfo::deleted).toList());
            List<VolumeInfo> due =
                    grace.due(deleted, System.nanoTime(), System.currentTimeMillis());
            for (VolumeInfo volume : due) {
                group.submit(new Command.PurgeVolume(volume.volumeId()));
                LOG.info("event=volume-purged volume={}", volume.name());
            }
        } catch (AdminException e) {
            LOG.warn("event=purge-postponed why=\"{}\"", e.text());
        }
    }
}
