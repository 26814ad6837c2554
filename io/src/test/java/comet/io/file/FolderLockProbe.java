package comet.io.file;

import comet.port.Media.MediaException;
import java.nio.file.Path;

/// A process of its own that tries to take a folder: status 0 where it could, 3 where somebody else
/// has it.
final class FolderLockProbe {
    static final int REFUSED = 3;

    private FolderLockProbe() {}

    public static void main(String[] args) {
        int status = 0;
        try (FolderLock _ = FolderLock.take(Path.of(args[0]))) {
            System.out.println("taken");
        } catch (MediaException e) {
            System.out.println(e.getMessage());
            status = REFUSED;
        }
        System.exit(status);
    }
}
