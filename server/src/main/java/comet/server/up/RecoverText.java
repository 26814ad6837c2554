package comet.server.up;

import comet.cluster.Incarnation;
import comet.cluster.VolumeInfo;
import comet.meta.GroupImage;
import comet.meta.Remake;
import java.util.List;
import java.util.Map;

/// What an operator reads of a recovery, before anything is written.
final class RecoverText {
    private RecoverText() {}

    static void print(Remake.Findings findings, GroupImage image) {
        System.out.printf(
                "newest copy  revision %d; %d disks count, %d volumes, attempt %d%n",
                findings.revision(),
                findings.examined().size(),
                image.everything().volumes().size(),
                Incarnation.attempt(findings.incarnation()));
        System.out.printf(
                "groups       %d, of which disks knew %d later than that copy%n",
                findings.pgs(), findings.later());
        for (String remark : findings.remarks()) {
            System.out.println("note         " + remark);
        }
        for (int disk : findings.unexamined()) {
            System.out.println("not seen     disk " + disk + ": its copy of the map may be newer");
        }
        for (Map.Entry<Integer, List<Integer>> wait : findings.waiting().entrySet()) {
            System.out.printf(
                    "waits        %d placement groups for disk %d, which may hold writes that no"
                            + " disk looked at has: they serve once it is back; if it never comes,"
                            + " `comet pg force-available`%n",
                    wait.getValue().size(), wait.getKey());
        }
        if (!findings.untrusted().isEmpty()) {
            System.out.printf(
                    "untrusted    %d placement groups: several disks that may hold the newest copy"
                            + " were not looked at; `comet pg force-available` alone brings them"
                            + " back%n",
                    findings.untrusted().size());
        }
        for (long volumeId : findings.found()) {
            for (VolumeInfo volume : image.everything().volumes()) {
                if (volume.volumeId() == volumeId) {
                    System.out.println("found        volume " + volumeId + ", " + volume.name());
                }
            }
        }
    }
}
