package comet.sim;

import comet.cluster.PgConfig;
import comet.cluster.VolumeInfo;

/// Who waits for what, when nothing goes on.
final class Dump {
    private Dump() {}

    static String of(Cluster cluster) {
        StringBuilder out = new StringBuilder();
        line(out, "at " + cluster.simulation().nowNs() / 1e9 + " s");
        line(out, cluster.meta().movesText());
        cluster.meta().truth().disks().forEach(disk -> line(out, disk.toString()));
        for (int pg = 0; pg < cluster.meta().truth().pgCount(); pg++) {
            PgConfig config = cluster.meta().truth().pg(pg);
            line(out, "pg " + pg + " epoch " + config.epoch() + " " + config.members());
        }
        for (VolumeInfo volume : cluster.meta().truth().volumes()) {
            line(out, volume.toString());
        }
        for (SimNode node : cluster.nodes()) {
            line(out, node.dump());
        }
        for (SimGateway gateway : cluster.gateways()) {
            line(out, gateway.dump());
        }
        for (Guests g : cluster.guests()) {
            for (String waiting : g.waiting()) {
                line(out, waiting);
            }
        }
        for (SimLink link : cluster.net().openLinks()) {
            line(out, "link " + link.state());
        }
        line(out, "events " + cluster.eventCounts());
        return out.toString();
    }

    private static void line(StringBuilder out, String text) {
        out.append("  ").append(text).append('\n');
    }
}
