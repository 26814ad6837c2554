package comet.server.up;

import comet.server.config.ConfigException;
import comet.server.config.GroupConfig;
import comet.server.config.HostPort;
import comet.server.config.MetaConfig;
import comet.server.config.NodeConfig;
import comet.server.config.NodeConfig.DiskConfig;
import comet.server.control.MemberBook;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// A process whose folder is to hold a member of a metadata group that is made anew.
///
/// @param data its folder
/// @param disks that it serves
/// @param group addresses at which members of its group listen
record Target(Path data, List<DiskConfig> disks, List<HostPort> group) {
    /// As many as a group has.
    private static final int MEMBERS_MAX = 5;

    Target {
        disks = List.copyOf(disks);
        group = List.copyOf(group);
    }

    /// @param named the config of a node or a member, or the data folder of `comet up`
    static Target of(Path named) {
        if (Files.isDirectory(named)) {
            return up(named);
        }
        if (!Files.exists(named)) {
            throw new StartException(
                    "there is no %s: --to wants the config of a node or of a process with a member, or the data folder of `comet up`"
                            .formatted(named));
        }
        NodeConfig node;
        try {
            node = NodeConfig.read(named, List.of());
        } catch (ConfigException e) {
            return alone(named, e);
        }
        GroupConfig group = node.meta();
        if (group == null) {
            throw new StartException(
                    named + " names no member of the metadata group on this node: `meta.members`");
        }
        checkMakes(named, group);
        List<DiskConfig> disks = AddedDisks.in(node.data()).with(node.disks());
        return new Target(node.data(), disks, control(group));
    }

    private static Target alone(Path named, ConfigException asNode) {
        try {
            MetaConfig meta = MetaConfig.read(named, List.of());
            checkMakes(named, meta.group());
            return new Target(meta.data(), List.of(), control(meta.group()));
        } catch (ConfigException e) {
            throw new StartException(asNode.getMessage() + "; and " + e.getMessage(), asNode);
        }
    }

    /// One that joins waits for a group that there is.
    private static void checkMakes(Path named, GroupConfig group) {
        if (group.joins()) {
            throw new StartException(
                    named
                            + " joins a group: to make one anew name all its members in"
                            + " `meta.members` instead of `meta.join`");
        }
    }

    private static Target up(Path named) {
        Path data = named.toAbsolutePath().normalize();
        String kind = DataFolder.kind(data);
        if (!kind.equals("up")) {
            throw new StartException(
                    "%s is not the data folder of a cluster in one process%s"
                            .formatted(named, hint(named, kind)));
        }
        List<DiskConfig> disks = new ArrayList<>();
        for (String name : List.of("disk-1", "disk-2")) {
            disks.add(new DiskConfig(data.resolve(name), null, 0, null));
        }
        return new Target(data, AddedDisks.in(data).with(disks), List.of());
    }

    /// What was probably meant: configs that lie there.
    private static String hint(Path named, String kind) {
        List<Path> configs = new ArrayList<>();
        configs(named, configs);
        if (kind.equals("nodes")) {
            try (DirectoryStream<Path> folders = Files.newDirectoryStream(named)) {
                folders.forEach(folder -> configs(folder, configs));
            } catch (IOException | DirectoryIteratorException e) {
                return "";
            }
        }
        if (configs.isEmpty()) {
            return "";
        }
        configs.sort(null);
        return ": name the config of each member instead:"
                + configs.stream()
                        .limit(MEMBERS_MAX)
                        .map(config -> " --to " + config)
                        .collect(Collectors.joining());
    }

    /// Of nodes, which may carry members, and of members alone.
    private static void configs(Path folder, List<Path> found) {
        for (String name : List.of("node.conf", "meta.conf")) {
            Path config = folder.resolve(name);
            if (Files.isRegularFile(config) && namesMembers(config)) {
                found.add(config);
            }
        }
    }

    private static boolean namesMembers(Path config) {
        try {
            return Files.readString(config).contains("meta.members");
        } catch (IOException e) {
            return false;
        }
    }

    private static List<HostPort> control(GroupConfig group) {
        return group.members().stream().map(GroupConfig.Member::control).toList();
    }

    /// Where the member lives.
    Path member() {
        return data.resolve("meta");
    }

    /// The address of its group at which somebody listens, or null.
    @Nullable HostPort listening() {
        List<HostPort> all = new ArrayList<>(group);
        // Members may have been replaced since the config was written.
        MemberBook.in(data, List.of()).addresses().forEach(known -> all.add(HostPort.parse(known)));
        for (HostPort address : all) {
            try (java.net.Socket socket = new java.net.Socket()) {
                socket.connect(
                        new java.net.InetSocketAddress(address.host(), address.port()), 1000);
                return address;
            } catch (IOException e) {
                // Nobody there, as it should be.
            }
        }
        return null;
    }
}
