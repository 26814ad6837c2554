package comet.sim;

import comet.base.Buf;
import comet.base.Check;
import comet.base.Prng;
import comet.base.Sizes;
import comet.cluster.Command;
import comet.cluster.Reply;
import comet.cluster.VolumeInfo;
import comet.volume.BlockDevice;
import comet.volume.Gateway;
import comet.volume.VolumeStatus;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// A gateway: lives of a process under one id, and the devices that it has open in the present one.
final class SimGateway {
    private final Cluster cluster;
    private final Simulation simulation;
    private final String name;
    private @Nullable SimProcess process;
    private @Nullable Gateway gateway;
    private final TreeMap<Long, BlockDevice> devices = new TreeMap<>();
    private long gatewayId;
    private int life;
    private boolean stopping;

    /// Attachments by force that are under way.
    private int takeovers;

    SimGateway(Cluster cluster, int number) {
        this.cluster = cluster;
        simulation = cluster.simulation();
        // The first shares its machine with the first node.
        name = "gateway-" + (number + 1);
    }

    @Nullable SimProcess process() {
        return process;
    }

    String name() {
        return name;
    }

    int life() {
        return life;
    }

    long gatewayId() {
        return gatewayId;
    }

    /// Takes requests.
    boolean up() {
        SimProcess now = process;
        return now != null && now.alive() && gateway != null && !stopping;
    }

    boolean takingOver() {
        return takeovers > 0;
    }

    private boolean running() {
        SimProcess now = process;
        return now != null && now.alive();
    }

    void start() {
        if (running()) {
            return;
        }
        cluster.disturbed();
        SimProcess born = cluster.process(name);
        process = born;
        gateway = null;
        stopping = false;
        devices.clear();
        takeovers = 0;
        life = cluster.nextLife();
        simulation.trace(name, "starts, life " + life);
        SimMetaClient client = cluster.meta().client(born);
        client.filter = update -> CanaryTap.filter(cluster.canary(), update, null);
        client.submit(
                new Command.RegisterGateway(name, name, 1, name.hashCode(), life),
                reply -> {
                    Check.that(reply instanceof Reply.Id, "gateway refused: " + reply);
                    gatewayId = ((Reply.Id) reply).id();
                    client.beatAsGateway(gatewayId);
                    Gateway core =
                            new Gateway(
                                    cluster.gatewayConfig(),
                                    gatewayId,
                                    born.loop(),
                                    client,
                                    cluster.net().dialer(born),
                                    born.frames(),
                                    born.bufs(),
                                    born.events(cluster::event));
                    gateway = core;
                    core.start();
                });
    }

    /// The device of a volume, opened when it is first asked for.
    Guests.@Nullable Served served(long volumeId) {
        SimProcess now = process;
        Gateway core = gateway;
        if (now == null || core == null || !up()) {
            return null;
        }
        BlockDevice device = devices.get(volumeId);
        if (device != null) {
            return new Guests.Served(device, now, life);
        }
        open(volumeId, now, core);
        return null;
    }

    private final java.util.TreeSet<Long> opening = new java.util.TreeSet<>();

    private void open(long volumeId, SimProcess now, Gateway core) {
        VolumeInfo info = cluster.meta().truth().volume(volumeId);
        if (info == null || !opening.add(volumeId)) {
            return;
        }
        int opener = life;
        simulation.in(2_000_000_000L, () -> opening.remove(volumeId));
        simulation.in(
                0,
                now.life(),
                () ->
                        core.open(
                                info.name(),
                                new Gateway.Opened() {
                                    @Override
                                    public void opened(BlockDevice device) {
                                        opening.remove(volumeId);
                                        if (opener == life) {
                                            devices.put(volumeId, device);
                                        }
                                    }

                                    @Override
                                    public void failed(int errno, String why) {
                                        opening.remove(volumeId);
                                    }
                                }));
    }

    /// Writes something to a volume that is no guest's, all over it, and lets go of it again.
    boolean fill(VolumeInfo volume, Prng prng) {
        long volumeId = volume.volumeId();
        Guests.Served served = served(volumeId);
        Gateway core = gateway;
        if (served == null || core == null) {
            return false;
        }
        int[] left = {1 + prng.nextInt(12)};
        for (int n = left[0]; n > 0; n--) {
            int bytes = Sizes.BLOCK_BYTES * (1 + prng.nextInt(4));
            long offset =
                    prng.nextLong((volume.sizeBytes() - bytes) / Sizes.BLOCK_BYTES)
                            * Sizes.BLOCK_BYTES;
            simulation.in(
                    prng.nextLong(20_000_000),
                    served.process().life(),
                    () -> {
                        Buf data = served.process().bufs().take(bytes);
                        data.zero(0, bytes);
                        served.device()
                                .write(
                                        offset,
                                        bytes,
                                        data,
                                        0,
                                        0,
                                        errno -> {
                                            data.release();
                                            cluster.probe("passing-write", errno == 0 ? 1 : 0);
                                            if (--left[0] == 0) {
                                                core.detach(volumeId, why -> {});
                                            }
                                        });
                    });
        }
        return true;
    }

    /// Attaches a volume here by force; then its guests come here.
    boolean takeOver(Guests guests, Runnable moved) {
        SimProcess now = process;
        Gateway core = gateway;
        if (now == null || core == null || !up()) {
            return false;
        }
        long volumeId = guests.volumeId();
        devices.remove(volumeId);
        takeovers++;
        simulation.in(
                0,
                now.life(),
                () ->
                        core.attach(
                                volumeId,
                                Command.Attach.Mode.TAKEOVER,
                                why -> {
                                    takeovers--;
                                    simulation.trace(name, "took over " + volumeId + ": " + why);
                                    if (why == null) {
                                        moved.run();
                                    }
                                }));
        return true;
    }

    /// A device that has ended for good is opened anew when it is next asked for.
    void forget(long volumeId) {
        devices.remove(volumeId);
    }

    void stop(Runnable stopped) {
        SimProcess now = process;
        Gateway core = gateway;
        if (now == null || core == null || !up()) {
            return;
        }
        cluster.disturbed();
        simulation.trace(name, "stops");
        stopping = true;
        boolean[] told = new boolean[1];
        Runnable end =
                () -> {
                    if (!told[0]) {
                        told[0] = true;
                        if (now.alive()) {
                            kill(now, 0);
                        }
                        stopped.run();
                    }
                };
        simulation.in(0, now.life(), () -> core.stop(() -> simulation.in(0, end)));
        simulation.in(5_000_000_000L, end);
    }

    void kill(long silentNs) {
        SimProcess now = process;
        if (now != null && now.alive()) {
            kill(now, silentNs);
        }
    }

    private void kill(SimProcess now, long silentNs) {
        cluster.disturbed();
        simulation.trace(name, "dies, life " + life);
        now.life().end();
        gateway = null;
        devices.clear();
        cluster.gatewayDied(life);
        cluster.net().died(now, silentNs);
    }

    String dump() {
        StringBuilder out = new StringBuilder(name + " id " + gatewayId + (up() ? " up" : " down"));
        Gateway core = gateway;
        if (core != null) {
            for (VolumeStatus status : core.status()) {
                out.append("\n      ").append(status);
            }
        }
        return out.toString();
    }
}
