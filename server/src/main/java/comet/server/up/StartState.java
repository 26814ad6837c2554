package comet.server.up;

import comet.io.file.SmallFile;
import comet.meta.GroupImage;
import comet.server.json.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// What all members of a group that is made anew begin with, to be carried from host to host.
record StartState(String groupId, GroupImage image) {
    static StartState read(Path file) throws IOException {
        try {
            return new Json().read(Files.readAllBytes(file), StartState.class);
        } catch (Json.MalformedException e) {
            throw new IOException(file + " cannot be read: " + e.getMessage(), e);
        }
    }

    void write(Path file) throws IOException {
        SmallFile.replace(file.toAbsolutePath(), new Json().bytes(this));
    }
}
