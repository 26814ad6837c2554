package comet.server.admin;

import comet.cluster.ClusterMap;
import comet.cluster.Command;
import comet.cluster.GatewayInfo;
import comet.cluster.Reply;
import comet.cluster.VolumeInfo;
import comet.cluster.VolumeInfo.Durability;
import comet.cluster.VolumeLimits;
import comet.server.admin.GatewayPart.VolumeState;
import comet.server.admin.Views.VolumeView;
import java.net.URI;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// What can be done with volumes, as the API offers it: finds them by name, checks what a person
/// may get wrong, and has the group (or the gateway) do it.
final class Volumes {
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9._-]{1,128}");

    private final GroupAccess group;
    private final @Nullable GatewayPart gateway;

    Volumes(GroupAccess group, @Nullable GatewayPart gateway) {
        this.group = group;
        this.gateway = gateway;
    }

    List<VolumeView> list() {
        List<VolumeState> here = here();
        GroupStatus status = status();
        return group.read(
                map -> map.volumes().stream().map(v -> view(map, v, here, status)).toList());
    }

    VolumeView info(String name) {
        List<VolumeState> here = here();
        GroupStatus status = status();
        return group.read(map -> view(map, any(map, name), here, status));
    }

    private VolumeView info(long volumeId) {
        List<VolumeState> here = here();
        GroupStatus status = status();
        return group.read(map -> view(map, byId(map, volumeId), here, status));
    }

    /// Null where the group does not say.
    private @Nullable GroupStatus status() {
        try {
            return group.status();
        } catch (AdminException e) {
            return null;
        }
    }

    /// What the gateway of this process has open; nothing where it does not answer.
    private List<VolumeState> here() {
        try {
            return gateway == null ? List.of() : gateway.volumes();
        } catch (AdminException e) {
            return List.of();
        }
    }

    private VolumeView view(
            ClusterMap map,
            VolumeInfo volume,
            List<VolumeState> here,
            @Nullable GroupStatus status) {
        VolumeState state = null;
        for (VolumeState one : here) {
            state = one.volumeId() == volume.volumeId() ? one : state;
        }
        return Views.volume(map, volume, uris(map, volume, status), state);
    }

    /// At the gateway that it is attached to; a volume that is attached nowhere, at the one here.
    private List<String> uris(ClusterMap map, VolumeInfo volume, @Nullable GroupStatus status) {
        if (volume.deleted()) {
            return List.of();
        }
        VolumeInfo.Attachment held = volume.attachment();
        GatewayInfo holder = held == null ? null : map.gateway(held.gatewayId());
        if (holder == null || gateway != null && gateway.name().equals(holder.name())) {
            return gateway == null ? List.of() : gateway.uris(volume.name());
        }
        if (status == null) {
            return List.of();
        }
        List<String> uris = status.nbd(holder.gatewayId(), volume.name());
        return isElsewhere(map, holder) ? uris.stream().filter(Volumes::leavesHost).toList() : uris;
    }

    /// Whether another gateway is known to be on another host than the one here.
    private boolean isElsewhere(ClusterMap map, GatewayInfo other) {
        GatewayPart part = gateway;
        return part != null
                && map.gateways().stream()
                        .anyMatch(one ->
                                one.name().equals(part.name())
                                        && !one.hostId().equals(other.hostId()));
    }

    /// What answers at another host's socket or loopback address on this host is somebody else.
    private static boolean leavesHost(String uri) {
        String host = URI.create(uri).getHost();
        return host != null
                && !host.startsWith("127.")
                && !host.equals("[::1]")
                && !host.equals("localhost");
    }

    VolumeView create(String name, long sizeBytes, String durability, VolumeLimits limits) {
        checkName(name);
        Views.checkSize(sizeBytes);
        Durability how =
                switch (durability) {
                    case "flush" -> Durability.FLUSH;
                    case "write" -> Durability.WRITE;
                    default ->
                            throw AdminException.bad(
                                    "bad-durability",
                                    "durability is `flush` or `write`, not `%s`"
                                            .formatted(durability));
                };
        group.submit(
                new Command.CreateVolume(name, sizeBytes, how, System.currentTimeMillis(), limits));
        return info(name);
    }

    VolumeView resize(String name, long sizeBytes) {
        Views.checkSize(sizeBytes);
        VolumeInfo volume = living(name);
        if (sizeBytes < volume.sizeBytes()) {
            throw AdminException.bad(
                    "bad-size",
                    "volume %s has %d bytes, and volumes only grow"
                            .formatted(name, volume.sizeBytes()));
        }
        group.submit(new Command.ResizeVolume(volume.volumeId(), sizeBytes));
        return info(name);
    }

    /// Changes those limits that are named; 0 takes one away.
    VolumeView limit(
            String name,
            @Nullable Long iops,
            @Nullable Long bandwidth,
            @Nullable Integer burstSeconds) {
        VolumeInfo volume = living(name);
        VolumeLimits old = volume.limits();
        VolumeLimits limits =
                new VolumeLimits(
                        iops == null ? old.iops() : iops,
                        bandwidth == null ? old.bytesPerSecond() : bandwidth,
                        burstSeconds == null ? old.burstSeconds() : burstSeconds);
        group.submit(new Command.LimitVolume(volume.volumeId(), limits));
        return info(name);
    }

    VolumeView rename(String name, String to) {
        checkName(to);
        group.submit(new Command.RenameVolume(living(name).volumeId(), to));
        return info(to);
    }

    /// A volume that is only attached because somebody used it lately is given up first; one that
    /// is in use is refused by the group.
    VolumeView delete(String name) {
        VolumeInfo volume = living(name);
        if (gateway != null && volume.attachment() != null) {
            detachIfIdle(volume);
        }
        group.submit(new Command.DeleteVolume(volume.volumeId(), System.currentTimeMillis()));
        return info(volume.volumeId());
    }

    private void detachIfIdle(VolumeInfo volume) {
        GatewayPart part = gateway;
        if (part == null) {
            return;
        }
        for (VolumeState state : part.volumes()) {
            if (state.volumeId() == volume.volumeId() && state.clients() == 0 && !state.pinned()) {
                part.detach(volume);
            }
        }
    }

    VolumeView restore(String name) {
        VolumeInfo volume = deleted(name);
        group.submit(new Command.RestoreVolume(volume.volumeId()));
        return info(volume.volumeId());
    }

    void purge(String name) {
        group.submit(new Command.PurgeVolume(deleted(name).volumeId()));
    }

    VolumeView attach(String name, @Nullable String gatewayName, boolean takeover) {
        VolumeInfo volume = living(name);
        gateway(gatewayName).attach(volume, takeover);
        return info(name);
    }

    VolumeView detach(String name, boolean force) {
        VolumeInfo volume = living(name);
        VolumeInfo.Attachment attachment = volume.attachment();
        if (attachment == null) {
            if (gateway != null) {
                gateway.detach(volume);
            }
            return info(name);
        }
        String holder = group.read(map -> Views.gatewayName(map, attachment.gatewayId()));
        if (force) {
            group.submit(
                    new Command.Detach(
                            volume.volumeId(), attachment.gatewayId(), attachment.term(), false));
        } else if (gateway != null && gateway.name().equals(holder)) {
            gateway.detach(volume);
        } else {
            throw AdminException.conflict(
                    "attached-elsewhere",
                    "volume %s is attached to gateway %s: ask there (--admin), or detach with --force, which may lose what it has not flushed"
                            .formatted(name, holder));
        }
        return info(name);
    }

    VolumeView migrate(String name, String to) {
        VolumeInfo volume = living(name);
        long gatewayId =
                to.equals("none")
                        ? 0
                        : group.read(map ->
                                map.gateways().stream()
                                        .filter(g -> g.name().equals(to))
                                        .mapToLong(GatewayInfo::gatewayId)
                                        .findFirst()
                                        .orElse(0));
        if (gatewayId == 0 && !to.equals("none")) {
            throw AdminException.missing(
                    "unknown-gateway",
                    "there is no gateway %s; see `comet gateway list`".formatted(to));
        }
        group.submit(new Command.Migrate(volume.volumeId(), gatewayId));
        return info(name);
    }

    private GatewayPart gateway(@Nullable String name) {
        if (gateway == null) {
            throw AdminException.conflict(
                    "no-gateway-here",
                    "this process has no gateway: name one that has with --admin");
        }
        if (name != null && !name.equals(gateway.name())) {
            throw AdminException.conflict(
                    "other-gateway",
                    "this is gateway %s, not %s: name the other one's admin API with --admin"
                            .formatted(gateway.name(), name));
        }
        return gateway;
    }

    private VolumeInfo living(String name) {
        return group.read(map -> {
            VolumeInfo volume = map.volume(name);
            if (volume == null) {
                throw unknown(map, name);
            }
            return volume;
        });
    }

    private static VolumeInfo byId(ClusterMap map, long volumeId) {
        VolumeInfo volume = map.volume(volumeId);
        if (volume == null) {
            throw AdminException.missing("unknown-volume", "the volume was purged meanwhile");
        }
        return volume;
    }

    /// The living volume of that name, else the one deleted last.
    private static VolumeInfo any(ClusterMap map, String name) {
        VolumeInfo volume = map.volume(name);
        if (volume != null) {
            return volume;
        }
        List<VolumeInfo> deleted = deletedOf(map, name);
        if (deleted.isEmpty()) {
            throw unknown(map, name);
        }
        return deleted.getFirst();
    }

    /// The volume of that name that was deleted last.
    private VolumeInfo deleted(String name) {
        return group.read(map -> {
            List<VolumeInfo> deleted = deletedOf(map, name);
            if (!deleted.isEmpty()) {
                return deleted.getFirst();
            }
            if (map.volume(name) != null) {
                throw AdminException.conflict(
                        "not-deleted", "volume %s is not deleted: delete it first".formatted(name));
            }
            throw unknown(map, name);
        });
    }

    private static List<VolumeInfo> deletedOf(ClusterMap map, String name) {
        List<VolumeInfo> deleted = new ArrayList<>();
        for (VolumeInfo volume : map.volumes()) {
            if (volume.deleted() && volume.name().equals(name)) {
                deleted.add(volume);
            }
        }
        deleted.sort(Comparator.comparingLong(VolumeInfo::deletedAtMs).reversed());
        return deleted;
    }

    private static AdminException unknown(ClusterMap map, String name) {
        boolean deleted = !deletedOf(map, name).isEmpty();
        return AdminException.missing(
                "unknown-volume",
                deleted
                        ? "volume %s is deleted: bring it back with `comet volume restore %s`"
                                .formatted(name, name)
                        : "there is no volume %s; see `comet volume list`".formatted(name));
    }

    static void checkName(String name) {
        if (!NAME.matcher(name).matches()) {
            throw AdminException.bad(
                    "bad-name",
                    "`%s` is no name: A-Z, a-z, 0-9, `.`, `_` and `-`, 1 to 128 characters"
                            .formatted(name));
        }
    }

    /// The id in the group's answer.
    static long id(Reply reply) {
        return reply instanceof Reply.Id id ? id.id() : 0;
    }
}
