package comet.server.data;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// Tells processes of one host from those of others: the kernel's number of this boot, which
/// containers of one host share and copies of a machine's image do not.
public final class HostId {
    private static final Path BOOT_ID = Path.of("/proc/sys/kernel/random/boot_id");

    private HostId() {}

    public static String read() throws DataException {
        try {
            return Files.readString(BOOT_ID).strip();
        } catch (IOException e) {
            throw new DataException("cannot read " + BOOT_ID + ": " + e.getMessage(), e);
        }
    }
}
