package comet.server.up;

import comet.cluster.VolumeInfo;
import comet.port.Errno;
import comet.server.nbd.Exports;
import comet.volume.BlockDevice;
import comet.volume.Gateway;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The volumes of a gateway as NBD exports: those whose names the config allows. Owner thread: the
/// gateway's loop.
final class VolumeExports implements Exports {
    private final Gateway gateway;
    private final List<String> allowed;

    /// @param allowed names, with `*` at the end for any rest
    VolumeExports(Gateway gateway, List<String> allowed) {
        this.gateway = gateway;
        this.allowed = List.copyOf(allowed);
    }

    private boolean allows(String name) {
        for (String pattern : allowed) {
            boolean matches =
                    pattern.endsWith("*")
                            ? name.startsWith(pattern.substring(0, pattern.length() - 1))
                            : name.equals(pattern);
            if (matches) {
                return true;
            }
        }
        return false;
    }

    @Override
    public void list(Listed listed) {
        List<Export> exports = new ArrayList<>();
        for (String name : gateway.exportNames()) {
            VolumeInfo volume = gateway.map().volume(name);
            if (volume != null && allows(name)) {
                exports.add(export(volume));
            }
        }
        listed.listed(exports);
    }

    private static Export export(VolumeInfo volume) {
        return new Export(volume.name(), "", volume.sizeBytes(), false);
    }

    /// A client that names no export gets the only one there is.
    private @Nullable String canonical(String name) {
        if (!name.isEmpty()) {
            return name;
        }
        List<String> names = gateway.exportNames().stream().filter(this::allows).toList();
        return names.size() == 1 ? names.getFirst() : null;
    }

    @Override
    public void find(String asked, Found found) {
        open(
                asked,
                new Opened() {
                    @Override
                    public void opened(Export export, BlockDevice device) {
                        gateway.close(device);
                        found.found(export);
                    }

                    @Override
                    public void refused(Refusal why, String text) {
                        found.refused(why, text);
                    }
                });
    }

    @Override
    public void open(String asked, Opened opened) {
        String name = canonical(asked);
        if (name == null) {
            opened.refused(Refusal.UNKNOWN, "there are several volumes: name one");
            return;
        }
        if (!allows(name)) {
            opened.refused(Refusal.POLICY, "this gateway does not export " + name);
            return;
        }
        gateway.open(
                name,
                new Gateway.Opened() {
                    @Override
                    public void opened(BlockDevice device) {
                        opened.opened(
                                new Export(name, "", device.sizeBytes(), device.readOnly()),
                                device);
                    }

                    @Override
                    public void failed(int errno, String why) {
                        opened.refused(
                                errno == Errno.ESHUTDOWN ? Refusal.SHUTDOWN : Refusal.UNKNOWN, why);
                    }
                });
    }

    @Override
    public void close(BlockDevice device) {
        gateway.close(device);
    }
}
