package comet.sim;

import comet.base.Prng;
import comet.cluster.Command;
import comet.cluster.DiskInfo;
import comet.cluster.Reply;
import comet.cluster.ScrubReport;
import comet.wire.Lane;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/// The operator who orders scrubs, in runs that scrub.
final class Scrubs {
    private final Options options;
    private final SimMeta meta;
    private final SimMetaClient admin;

    /// A volume that only scrubs look after.
    private final @Nullable Abandoned abandoned;

    Scrubs(
            Simulation simulation,
            Options options,
            SimMeta meta,
            SimMetaClient admin,
            List<SimGateway> gateways) {
        this.options = options;
        this.meta = meta;
        this.admin = admin;
        // A small disk has no room for it.
        boolean room = !options.smallDisk();
        abandoned =
                options.scrub() && room ? new Abandoned(simulation, meta, admin, gateways) : null;
    }

    void start() {
        if (abandoned != null) {
            abandoned.start();
        }
    }

    /// Faults have stopped.
    void heal() {
        if (abandoned != null) {
            abandoned.heal();
        }
    }

    /// Whether its last writes are under way, in the middle of which the gateways are to die.
    boolean abandons() {
        return abandoned == null || abandoned.lastWrites();
    }

    boolean attached() {
        return abandoned == null || abandoned.attached();
    }

    /// They have died.
    void abandoned() {
        if (abandoned != null) {
            abandoned.end();
        }
    }

    /// What gateways write does not get to some of the disks any more, for a while.
    void stall(SimNet net, Prng prng) {
        int which = prng.nextInt(2);
        for (SimLink link : net.openLinks()) {
            if (link.lane == Lane.WRITE.code && link.diskId % 2 == which) {
                link.stall(100_000_000);
            }
        }
    }

    /// Whether the volume that nobody looks after is closed for good.
    boolean abandonedLeft() {
        return abandoned == null || abandoned.left();
    }

    /// Of one placement group, or of one disk.
    boolean order(Prng prng) {
        int disks = options.nodeCount() * options.disksPerNode();
        int pg = prng.chance(1, 3) ? -1 : prng.nextInt(options.pgCount());
        admin.submit(new Command.OrderScrub(pg, 1 + prng.nextInt(disks), 1), _ -> {});
        return true;
    }

    /// Has every disk scrub all it has, from now on.
    ///
    /// @return tells whether all have
    BooleanSupplier all() {
        TreeMap<Integer, Long> orders = new TreeMap<>();
        for (DiskInfo disk : meta.truth().disks()) {
            orders.put(disk.diskId(), Long.MAX_VALUE);
            admin.submit(
                    new Command.OrderScrub(-1, disk.diskId(), 1),
                    reply -> {
                        if (reply instanceof Reply.Id id) {
                            orders.put(disk.diskId(), id.id());
                        } else {
                            // It was removed.
                            orders.remove(disk.diskId());
                        }
                    });
        }
        return () -> {
            boolean done = true;
            for (Map.Entry<Integer, Long> order : orders.entrySet()) {
                ScrubReport report = meta.truth().scrubs().report(order.getKey(), -1);
                done &= report != null && report.orderId() >= order.getValue();
            }
            return done;
        };
    }
}
