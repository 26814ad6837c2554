package comet.server.up;

import comet.cluster.VolumeInfo;
import comet.port.Errno;
import comet.server.data.GatewayData;
import comet.server.nbd.Exports;
import comet.volume.BlockDevice;
import comet.volume.Gateway;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// The volumes of a gateway as NBD exports: those whose names the config allows. Owner thread: the
/// loop of its place.
final class VolumeExports implements Exports {
    private final GatewayData data;
    private final Gateway gateway;
    private final List<String> allowed;

    /// @param place see [GatewayData.Place]; volumes of other places are known, and opened there
    /// @param allowed names, with `*` at the end for any rest
    VolumeExports(GatewayData data, int place, List<String> allowed) {
        this.data = data;
        gateway = data.gateway(place);
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
        find(asked, volume -> found.found(export(volume)), found::refused);
    }

    @Override
    public void open(String asked, Opened opened) {
        find(
                asked,
                volume -> {
                    if (gateway.owns(volume.volumeId())) {
                        opened.opened(export(volume), gateway.open(volume, false));
                    } else {
                        opened.elsewhere(data.place(volume.volumeId()));
                    }
                },
                opened::refused);
    }

    private void find(
            String asked, Consumer<VolumeInfo> found, BiConsumer<Refusal, String> refused) {
        String name = canonical(asked);
        if (name == null) {
            refused.accept(Refusal.UNKNOWN, "there are several volumes: name one");
            return;
        }
        if (!allows(name)) {
            refused.accept(Refusal.POLICY, "this gateway does not export " + name);
            return;
        }
        gateway.find(
                name,
                new Gateway.Found() {
                    @Override
                    public void found(VolumeInfo volume) {
                        found.accept(volume);
                    }

                    @Override
                    public void failed(int errno, String why) {
                        refused.accept(
                                errno == Errno.ESHUTDOWN ? Refusal.SHUTDOWN : Refusal.UNKNOWN, why);
                    }
                });
    }

    @Override
    public void close(BlockDevice device) {
        gateway.close(device);
    }
}
