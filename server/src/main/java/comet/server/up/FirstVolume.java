package comet.server.up;

import comet.cli.Launcher;
import comet.cli.Size;
import comet.cluster.Command;
import comet.cluster.VolumeInfo;
import comet.cluster.VolumeInfo.Durability;
import comet.server.admin.AdminException;
import comet.server.admin.GroupAccess;
import comet.server.config.HostPort;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// The volume that `comet up` makes where there is none, and how to use it.
final class FirstVolume {
    private static final String NAME = "disk0";

    private FirstVolume() {}

    /// @param sizeBytes of the volume where it is made; one that exists keeps its own
    /// @return a volume that exists
    static VolumeInfo ensure(GroupAccess group, long sizeBytes) {
        VolumeInfo there = existing(group);
        if (there != null) {
            return there;
        }
        try {
            group.submit(
                    new Command.CreateVolume(
                            NAME, sizeBytes, Durability.FLUSH, System.currentTimeMillis()));
        } catch (AdminException e) {
            throw new StartException("the first volume: " + e.text(), e);
        }
        VolumeInfo made = existing(group);
        if (made == null) {
            throw new StartException("the first volume is gone again");
        }
        return made;
    }

    private static @Nullable VolumeInfo existing(GroupAccess group) {
        Optional<VolumeInfo> found =
                Patience.read(
                        group,
                        map ->
                                Optional.ofNullable(map.volume(NAME))
                                        .or(() ->
                                                map.volumes().stream()
                                                        .filter(volume -> !volume.deleted())
                                                        .findFirst()));
        return found.orElse(null);
    }

    /// @param uri of the volume over TCP
    /// @param commands how to start each process again, where there are several
    static void explain(
            PrintStream out,
            Path data,
            VolumeInfo info,
            String uri,
            HostPort admin,
            List<String> commands) {
        String volume = info.name();
        out.printf(
                """

                Volume %s of %s is served over NBD. With QEMU:

                  qemu-system-x86_64 ... \\
                    -blockdev driver=nbd,node-name=%s,export=%s,server.type=unix,server.path=%s,reconnect-delay=300,discard=unmap,cache.direct=on,cache.no-flush=off \\
                    -device virtio-blk-pci,drive=%s,discard=on

                Other tools: nbd+unix:///%s?socket=%s
                More:        %s volume create NAME --size 20G%s
                             %s cluster status%s
                Admin API:   http://%s (token in %s)
                """,
                volume,
                Size.text(info.sizeBytes()),
                volume,
                volume,
                data.resolve("nbd.sock"),
                volume,
                volume,
                data.resolve("nbd.sock"),
                Launcher.word(),
                option(data),
                Launcher.word(),
                option(data),
                admin,
                data.resolve("admin.token"));
        if (!commands.isEmpty()) {
            out.println("\nA process that was killed stays down until it is started again:");
            commands.forEach(command -> out.println("  " + command));
        }
        out.println();
        ProcessCore.ready(uri);
    }

    private static String option(Path data) {
        return data.equals(Path.of("data").toAbsolutePath()) ? "" : " --data " + data;
    }
}
