package comet.server.config;

import comet.io.file.FileMedia;
import comet.io.loop.Transport;
import java.util.ArrayList;
import java.util.List;

/// How a process speaks to the kernel.
///
/// @param loops how many event loops share its work; 0: as many as the machine suggests
public record IoConfig(Transport sockets, FileMedia.Way files, int loops) {
    static final String SOCKETS = "io.sockets";
    static final String FILES = "io.files";
    static final String LOOPS = "loops";

    /// Loops of one process, at most.
    static final int LOOPS_MAX = 64;

    /// Up to so many cores, waking another one costs more than what it does meanwhile.
    private static final int CORES_OF_ONE_LOOP = 4;

    /// As many by itself, at most: each keeps a map of its own.
    private static final int LOOPS_AUTO_MAX = 16;

    /// What serves best on this machine.
    public static IoConfig auto() {
        return new IoConfig(Transport.best(), FileMedia.Way.AUTO, 0);
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
        int loops = file.knows(LOOPS) && file.has(LOOPS) ? file.integer(LOOPS, 1, LOOPS_MAX) : 0;
        if (loops > 1 && !sockets.movesChannels()) {
            throw file.refuse(
                    LOOPS,
                    "%s keeps a connection on the loop that took it: use 1, or another `%s`"
                            .formatted(sockets.word(), SOCKETS));
        }
        return new IoConfig(sockets, files, loops);
    }

    /// How many event loops the process is to have.
    public int loopCount() {
        return loops > 0 ? loops : loopCount(Runtime.getRuntime().availableProcessors());
    }

    int loopCount(int cores) {
        return cores <= CORES_OF_ONE_LOOP || !sockets.movesChannels()
                ? 1
                : Math.min(cores, LOOPS_AUTO_MAX);
    }

    /// The same for a process whose parts are on one loop.
    public IoConfig withOneLoop() {
        return new IoConfig(sockets, files, 1);
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
        if (loops > 0) {
            overrides.add(LOOPS + "=" + loops);
        }
        return overrides;
    }
}
