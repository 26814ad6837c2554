package comet.server.config;

import comet.io.file.FileMedia;
import comet.io.loop.Transport;
import java.util.ArrayList;
import java.util.List;

/// How a process speaks to the kernel.
public record IoConfig(Transport sockets, FileMedia.Way files) {
    static final String SOCKETS = "io.sockets";
    static final String FILES = "io.files";

    /// What serves best on this machine.
    public static IoConfig auto() {
        return new IoConfig(Transport.best(), FileMedia.Way.AUTO);
    }

    /// @throws ConfigException where a value is unknown, or not to be had on this machine
    static IoConfig read(ConfigFile file) {
        Transport sockets;
        try {
            sockets = Transport.of(file.text(SOCKETS));
        } catch (IllegalArgumentException e) {
            throw file.refuse(SOCKETS, String.valueOf(e.getMessage()));
        }
        FileMedia.Way files = FileMedia.Way.AUTO;
        if (file.knows(FILES)) {
            try {
                files = FileMedia.Way.of(file.text(FILES));
            } catch (IllegalArgumentException e) {
                throw file.refuse(FILES, String.valueOf(e.getMessage()));
            }
        }
        return new IoConfig(sockets, files);
    }

    /// What tells another process the same, as `--set` takes it.
    ///
    /// @param disks whether that process has disks
    public List<String> overrides(boolean disks) {
        List<String> overrides = new ArrayList<>();
        if (sockets != Transport.best()) {
            overrides.add(SOCKETS + "=" + sockets.word());
        }
        if (disks && files != FileMedia.Way.AUTO) {
            overrides.add(FILES + "=" + files.word());
        }
        return overrides;
    }
}
