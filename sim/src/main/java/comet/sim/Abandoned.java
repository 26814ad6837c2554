package comet.sim;

import comet.base.Prng;
import comet.base.Sizes;
import comet.cluster.Command;
import comet.cluster.Reply;
import comet.cluster.VolumeInfo;
import comet.cluster.VolumeInfo.Attachment;
import comet.cluster.VolumeInfo.Durability;
import java.util.List;

/// A volume whose writers are never let finish: the operator detaches it by force while they write,
/// and in the end nobody opens it again. Its replicas come to differ, and only scrubs make them
/// equal.
final class Abandoned {
    private static final String NAME = "left";
    private static final int CHUNKS = 2;

    private final Simulation simulation;
    private final SimMeta meta;
    private final SimMetaClient admin;
    private final List<SimGateway> gateways;
    private final Prng prng;
    private long volumeId;
    private boolean healed;
    private boolean written;

    Abandoned(Simulation simulation, SimMeta meta, SimMetaClient admin, List<SimGateway> gateways) {
        this.simulation = simulation;
        this.meta = meta;
        this.admin = admin;
        this.gateways = gateways;
        prng = simulation.fork();
    }

    void start() {
        long bytes = (long) CHUNKS * Sizes.CHUNK_BYTES;
        admin.submit(
                new Command.CreateVolume(NAME, bytes, Durability.FLUSH, 1),
                reply -> {
                    if (reply instanceof Reply.Id id) {
                        volumeId = id.id();
                        write();
                        detach();
                    }
                });
    }

    /// Faults have stopped: nobody writes any more.
    void heal() {
        healed = true;
    }

    /// Whether somebody has it attached.
    boolean attached() {
        VolumeInfo volume = meta.truth().volume(volumeId);
        return volume == null || volume.attachment() != null;
    }

    /// Whether nobody has it attached, for good.
    boolean left() {
        VolumeInfo volume = meta.truth().volume(volumeId);
        return volume == null || written && volume.attachment() == null;
    }

    /// The last writers are dead.
    void end() {
        written = true;
    }

    /// Some last writes through one gateway, in the middle of which it is to be killed.
    ///
    /// @return whether there are any; else to be asked again
    boolean lastWrites() {
        VolumeInfo volume = meta.truth().volume(volumeId);
        return volume == null || gateways.getFirst().fill(volume, prng);
    }

    private void write() {
        VolumeInfo volume = meta.truth().volume(volumeId);
        if (healed || volume == null) {
            return;
        }
        SimGateway gateway = gateways.get(prng.nextInt(gateways.size()));
        if (prng.chance(1, 8)) {
            // What it has opened may have ended for good.
            gateway.forget(volumeId);
        }
        gateway.fill(volume, prng);
        simulation.in(prng.nextLong(60_000_000), this::write);
    }

    private void detach() {
        VolumeInfo volume = meta.truth().volume(volumeId);
        Attachment held = volume == null ? null : volume.attachment();
        if (held != null && (written || !healed)) {
            admin.submit(
                    new Command.Detach(volumeId, held.gatewayId(), held.term(), false), _ -> {});
        }
        simulation.in(prng.nextLong(120_000_000) + 1, this::detach);
    }
}
