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

/// Ends the grace period of deleted volumes, in the process of the metadata group's leader.
final class Purger {
    private static final Logger LOG = LoggerFactory.getLogger(Purger.class);
    private static final Duration EVERY = Duration.ofSeconds(5);

    private final MetaMember member;
    private final GroupAccess group;
    private final Duration grace;

    private Purger(MetaMember member, GroupAccess group, Duration grace) {
        this.member = member;
        this.group = group;
        this.grace = grace;
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
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void purge() {
        long before = System.currentTimeMillis() - grace.toMillis();
        try {
            List<VolumeInfo> due =
                    group.read(map ->
                            map.volumes().stream()
                                    .filter(VolumeInfo::deleted)
                                    .filter(volume -> volume.deletedAtMs() <= before)
                                    .toList());
            for (VolumeInfo volume : due) {
                group.submit(new Command.PurgeVolume(volume.volumeId()));
                LOG.info("event=volume-purged volume={}", volume.name());
            }
        } catch (AdminException e) {
            LOG.warn("event=purge-postponed why=\"{}\"", e.text());
        }
    }
}
